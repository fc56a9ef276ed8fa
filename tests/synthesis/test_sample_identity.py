"""Sample i depends on the recipe, the seed and i alone: the same bytes in any batch, order and number of threads."""

import numpy as np
import pytest

from sfhsim.errors import RecipeError
from sfhsim.records.schema import FEATURE_NAMES
from sfhsim.synthesis import Simulator

KINEMATICS = {
    "fixed": {},
    "drawn": {
        "kinematics": {
            "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
            "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
        }
    },
}
IDS = np.array([0, 3, 5, 17, 255, 256, 2**40])


def as_bytes(batch):
    """The bytes of every sample's arrays, by id."""
    features = batch.features()
    return {
        int(sample): b"".join(np.ascontiguousarray(features[name][k]).tobytes() for name in FEATURE_NAMES)
        for k, sample in enumerate(batch.sample_id)
    }


@pytest.fixture(params=KINEMATICS)
def simulator(request, make_simulator):
    return make_simulator(seed=3, **KINEMATICS[request.param])


@pytest.fixture
def threads():
    """Function that sets Numba's number of threads, as far as there are; put back afterwards."""
    import numba

    before = numba.get_num_threads()
    yield lambda n: numba.set_num_threads(min(n, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(before)


def test_alone_and_in_any_batch_and_order(simulator):
    together = as_bytes(simulator.batch(IDS))
    assert as_bytes(simulator.batch(IDS[::-1])) == together
    for sample in IDS[:4]:
        assert as_bytes(simulator.batch([sample]))[int(sample)] == together[int(sample)]
    crowd = as_bytes(simulator.batch(np.arange(37)))
    assert all(crowd[int(sample)] == together[int(sample)] for sample in IDS[IDS < 37])


@pytest.mark.parametrize("n_threads", [1, 2])
def test_whatever_the_number_of_threads(simulator, threads, n_threads):
    expected = as_bytes(simulator.batch(IDS))
    threads(n_threads)
    assert as_bytes(simulator.batch(IDS)) == expected


def test_compiled_anew_it_is_the_same(make_simulator):
    assert as_bytes(make_simulator(seed=3).batch(IDS)) == as_bytes(make_simulator(seed=3).batch(IDS))


def test_the_stream_gives_the_same_samples(simulator):
    stream = simulator.stream(start=2, batch_size=3)
    seen = as_bytes(next(stream)) | as_bytes(next(stream))
    assert sorted(seen) == [2, 3, 4, 5, 6, 7]
    assert seen == as_bytes(simulator.batch(np.arange(2, 8)))


def test_samples_and_seeds_differ(make_simulator):
    first, second = make_simulator(seed=1).batch(IDS), make_simulator(seed=2).batch(IDS)
    for name in ("spectrum", "photometry", "mass_fraction", "truth"):
        rows = np.concatenate([getattr(first, name), getattr(second, name)])
        assert len({row.tobytes() for row in rows}) == len(rows)


def test_noise_is_independent_between_samples_and_between_spectrum_and_photometry(make_simulator):
    simulator = make_simulator(noise={"model": "constant", "snr": 20.0})
    batch = simulator.batch(np.arange(40))
    pixels = (batch.spectrum - batch.noise_free_spectrum) / batch.spectrum_error
    bands = 10 ** (-0.4 * (batch.photometry - batch.noise_free_photometry)) - 1
    values = np.concatenate([pixels, bands / bands.std()], axis=1)
    correlation = np.corrcoef(values) - np.eye(len(values))
    assert np.abs(correlation).max() < 6 / np.sqrt(values.shape[1])
    first = np.corrcoef(pixels[:, :3].T, bands.T)[:3, 3:]
    assert np.abs(first).max() < 5 / np.sqrt(len(values))


def test_nothing_that_goes_in_is_modified(simulator, library):
    ids = IDS.copy()
    draws = simulator.plan.draw(ids, 0)
    before = {name: value.copy() for name, value in draws.values.items()}
    vectors = {index: {name: v.copy() for name, v in own.items()} for index, own in draws.vectors.items()}
    flux = np.array(library.flux)
    simulator.simulate(draws)
    np.testing.assert_array_equal(ids, IDS)
    for name, value in before.items():
        np.testing.assert_array_equal(draws.values[name], value)
    assert vectors[1]["interval_fractions"].size
    for index, own in vectors.items():
        for name, value in own.items():
            np.testing.assert_array_equal(draws.vectors[index][name], value)
    np.testing.assert_array_equal(library.flux, flux)


@pytest.mark.parametrize("ids", [[], [-1], [0.5], [[1, 2]], ["a"]])
def test_what_is_no_sample_id_is_refused(simulator, ids):
    with pytest.raises(RecipeError, match="sample ids are one or more integers from 0 on"):
        simulator.batch(ids)


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5])
def test_what_is_no_seed_is_refused(simulator, seed):
    with pytest.raises(RecipeError, match="the seed must be an integer"):
        Simulator(simulator.recipe, simulator.library, seed=seed)


def test_shapes_and_types_are_those_of_the_schema(simulator):
    batch = simulator.batch(IDS)
    lengths = simulator.feature_lengths()
    for name, array in batch.features().items():
        assert array.shape == (IDS.size, lengths[name])
        assert array.dtype == np.float32
        assert np.isfinite(array).all() or name == "truth"
