"""Bands that a library does not reach: an error, or missing where the recipe allows it, and the others as they were."""

import numpy as np
import pytest
from miniature import BANDS, WAVE_AA, miniature_library

from sfhsim.errors import CoverageError, SfhsimWarning
from sfhsim.instrument import load_filter
from sfhsim.plots import plot_galaxy
from sfhsim.synthesis import Simulator
from sfhsim.synthesis.galaxy_table import galaxy_table

BEYOND = "JWST/MIRI.F770W"
IDS = np.arange(5)
DRAWN = {
    "velocity_dispersion_kms": {"distribution": "uniform", "min": 50.0, "max": 300.0},
    "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.05},
}
KINEMATICS = {"fixed": {"velocity_dispersion_kms": 200.0, "redshift": 0.002}, "drawn": DRAWN}
INTERPOLATIONS = [("fixed", "linear"), ("drawn", "linear"), ("drawn", "log")]


def photometry(filters, missing="allow", interpolation="linear"):
    return {"filters": list(filters), "error_mag": 0.05, "missing": missing, "interpolation": interpolation}


def test_an_error_unless_it_is_allowed(make_simulator):
    with pytest.raises(CoverageError, match=f"filter {BEYOND} needs"):
        make_simulator(photometry=photometry([*BANDS, BEYOND], missing="refuse"))


@pytest.mark.parametrize(("kinematics", "interpolation"), INTERPOLATIONS)
def test_the_other_bands_keep_their_bytes(make_simulator, kinematics, interpolation):
    arguments = {"kinematics": KINEMATICS[kinematics], "noise": {"model": "none"}}
    with pytest.warns(SfhsimWarning, match=f"miniature does not reach over {BEYOND}: magnitudes there are missing"):
        simulator = make_simulator(photometry=photometry([*BANDS, BEYOND], interpolation=interpolation), **arguments)
    batch = simulator.batch(IDS)
    whole = make_simulator(photometry=photometry(BANDS, "refuse", interpolation), **arguments).simulate(batch.draws)
    assert batch.spectrum.tobytes() == whole.spectrum.tobytes()
    assert batch.noise_free_photometry[:, :3].tobytes() == whole.noise_free_photometry.tobytes()
    assert np.isnan(batch.photometry[:, 3]).all()
    assert np.isnan(batch.photometry_error[:, 3]).all()
    assert np.isfinite(batch.photometry[:, :3]).all()
    assert np.isfinite(batch.photometry_error[:, :3]).all()
    assert [band.get("missing", False) for band in simulator.dimensions()["band"]] == [False, False, False, True]


@pytest.mark.parametrize("kinematics", KINEMATICS)
def test_nothing_changes_where_everything_is_covered(make_simulator, kinematics):
    whole, allowed = (
        make_simulator(photometry=photometry(BANDS, missing), kinematics=KINEMATICS[kinematics])
        for missing in ("refuse", "allow")
    )
    one, other = whole.batch(IDS).features(), allowed.batch(IDS).features()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    assert whole.dimensions() == allowed.dimensions()
    assert allowed.notes == ()


@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
@pytest.mark.parametrize(("largest_redshift", "missing"), [(0.01, False), (0.05, True)])
def test_a_band_that_one_end_of_the_redshifts_loses_is_missing_everywhere(make_simulator, largest_redshift, missing):
    low_aa = load_filter(BANDS[0]).significant_range_aa()[0]
    kept = low_aa / 1.02 < WAVE_AA
    whole = miniature_library()
    library = whole.replace(
        wave_aa=WAVE_AA[kept], flux=whole.flux[..., kept], resolution_fwhm_aa=np.full(kept.sum(), 2.5)
    )
    redshift = {"distribution": "uniform", "min": 0.0, "max": largest_redshift}
    simulator = make_simulator(on=library, photometry=photometry(BANDS), kinematics={"redshift": redshift})
    assert np.isnan(simulator.batch(IDS).photometry[:, 0]).tolist() == [missing] * IDS.size
    assert np.isfinite(simulator.batch(IDS).photometry[:, 1:]).all()


@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
def test_all_bands_missing(make_simulator):
    batch = make_simulator(photometry=photometry([BEYOND])).batch(IDS)
    assert batch.photometry.shape == (IDS.size, 1)
    assert np.isnan(batch.photometry).all()
    assert np.isfinite(batch.spectrum).all()


@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
def test_what_was_compiled_comes_back(make_simulator):
    for kinematics in KINEMATICS.values():
        simulator = make_simulator(photometry=photometry([BEYOND, *BANDS]), kinematics=kinematics)
        again = Simulator.from_compiled(simulator.compiled())
        one, other = simulator.batch(IDS).features(), again.batch(IDS).features()
        assert all(one[name].tobytes() == other[name].tobytes() for name in one)
        assert again.dimensions() == simulator.dimensions()


@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
def test_tables_and_pictures(make_simulator, tmp_path):
    simulator = make_simulator(photometry=photometry([*BANDS, BEYOND]))
    assert list(galaxy_table(simulator, 1).meta["magnitudes_ab"]) == list(BANDS)
    assert plot_galaxy(simulator, 1, tmp_path / "galaxy.png").stat().st_size > 10_000
