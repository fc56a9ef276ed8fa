"""Coverage after calibration, the novelty flag, and the layers that make quantiles."""

import numpy as np
import pytest
from keras import ops
from small_model import N_AGE_BIN, inputs_and_truths, small_model

from sfhmodel.calibration import FALSE_ALARM_RATE, calibrate, conformal_corrections, widen
from sfhmodel.errors import TrainingDataError
from sfhmodel.layers import CumulativeQuantiles, NoiseGroups, NoveltyScore, OrderedQuantiles

LEVELS = (0.05, 0.16, 0.5, 0.84, 0.95)


@pytest.mark.parametrize("n", [100, 2000])
def test_corrected_quantiles_cover_new_data(n):
    rng = np.random.default_rng(3)
    wrong = np.array([-0.1, -0.05, 0.2, 0.3, 0.4])  # far too narrow, and shifted
    found = []
    for _ in range(40):
        corrections = conformal_corrections(rng.normal(size=(n, 2)), np.broadcast_to(wrong, (n, 2, 5)), LEVELS)
        fresh = rng.normal(size=(5000, 2))
        found.append((fresh[:, :, None] <= wrong + corrections).mean(axis=0))
    below = np.mean(found, axis=0)
    # each level within its finite-sample allowance 1 / (n + 1) and five standard errors
    allowance = 1.0 / (n + 1) + 5.0 * np.sqrt(0.25 * (1.0 / n + 1.0 / 5000) / 40)
    assert np.abs(below - LEVELS).max() < allowance


def test_corrections_are_conservative_at_every_small_sample():
    # the chance that one more sample lies in [5%, 95%] is at least 90% exactly when ranks are ceil((n + 1) t)
    n = 39
    truths = np.arange(n, dtype=float)[:, None]
    corrections = conformal_corrections(truths, np.zeros((n, 1, 5)), LEVELS)
    assert corrections[0].tolist() == [1.0, 5.0, 19.0, 33.0, 37.0]  # 2nd, 6th, 20th, 34th, 38th of 39


def test_calibration_makes_coverage_honest_and_flags_at_the_wanted_rate():
    model = small_model("attention")
    untouched = model.cumulative.correction.numpy().copy()
    result = calibrate(model, [tuple(inputs_and_truths(1500, seed=1))])
    assert result["n"] == 1500
    assert np.abs(model.cumulative.correction.numpy() - untouched).max() > 0.01
    inputs, truths = inputs_and_truths(1500, seed=2)
    outputs = {k: ops.convert_to_numpy(v) for k, v in model(inputs, training=False).items()}
    targets = {k: ops.convert_to_numpy(v) for k, v in model.targets(truths).items()}
    summary = outputs["summary_quantiles"]
    inside = (targets["summaries"] >= summary[:, :, 1]) & (targets["summaries"] <= summary[:, :, 3])
    assert np.abs(inside.mean(axis=0) - 0.68).max() < 0.06
    cumulative = np.cumsum(truths["mass_fraction"], axis=1)[:, :-1]
    quantiles = outputs["cumulative_quantiles"][:, :-1]
    inside = (cumulative >= quantiles[:, :, 1] - 1e-5) & (cumulative <= quantiles[:, :, 3] + 1e-5)
    assert np.abs(inside.mean(axis=0) - 0.68).max() < 0.06
    assert (outputs["novelty"] > 1.0).mean() == pytest.approx(FALSE_ALARM_RATE, abs=0.012)


def test_limits_of_the_novelty_are_those_of_each_noise():
    model = small_model("branched")
    calibrate(model, [tuple(inputs_and_truths(1500, seed=1))])
    assert len(np.unique(model.novelty.limits.numpy()[0, :, 0])) == 4
    inputs, _ = inputs_and_truths(1500, seed=2)
    answer = model.forward(inputs)
    group = ops.convert_to_numpy(answer.groups).argmax(axis=1)
    flagged = ops.convert_to_numpy(model(inputs)["novelty"]) > 1.0
    for k in range(4):
        assert flagged[group == k].mean() < 0.05


def test_limits_of_older_files_hold_for_all_noise(tmp_path):
    layer = NoveltyScore(components=3, n_group=4)
    layer.build((None, 8), latent_shape=(None, 2))
    stored = {str(k): np.asarray(v) for k, v in enumerate(layer.variables)} | {"4": np.array([2.0, 3.0])}
    layer.load_own_variables(stored)
    np.testing.assert_array_equal(layer.limits, [[[2.0, 3.0]] * 4] * 2)


def test_inputs_unlike_the_training_data_are_flagged():
    model = small_model("branched")
    calibrate(model, [tuple(inputs_and_truths(1000, seed=1))])
    inputs, _ = inputs_and_truths(50, seed=4)
    usual = ops.convert_to_numpy(model(inputs)["novelty"])
    inputs["flux"] = np.roll(inputs["flux"], 20, axis=1)  # the line where there never was one
    shifted = ops.convert_to_numpy(model(inputs)["novelty"])
    assert (usual > 1.0).mean() < 0.1
    assert (shifted > 1.0).mean() > 0.9


def test_intervals_widen_for_other_worlds_while_medians_and_what_is_usual_stay():
    model = small_model("attention")
    calibrate(model, [tuple(inputs_and_truths(1500, seed=1))])
    inputs, _ = inputs_and_truths(800, seed=3)
    before = {k: ops.convert_to_numpy(v) for k, v in model(inputs, training=False).items()}
    unseen, truths = inputs_and_truths(1500, seed=2)
    scatter = np.random.default_rng(4).normal(size=(1500, 1)).astype(np.float32)  # of another world, in dex
    truths = {**truths, "metallicity": truths["metallicity"] * np.float32(10.0) ** scatter}
    known = model.metallicity.correction.numpy().copy()
    most = widen(model, [(unseen, truths)])
    assert most["n"] == 1500
    assert most["metallicity"] > 0.5
    after = {k: ops.convert_to_numpy(v) for k, v in model(inputs, training=False).items()}
    np.testing.assert_array_equal(after["novelty"], before["novelty"])
    intervals = [answer["metallicity_quantiles"] for answer in (before, after)]
    widths = [np.log10(interval[:, :, 3] / interval[:, :, 1]) for interval in intervals]
    assert (widths[1] >= widths[0] - 1e-5).all()
    moved = model.metallicity.correction.numpy() - known
    assert (moved[..., 3] > 0.5).all()
    assert (moved[..., 1] < -0.5).all()
    assert not moved[..., 2].any()
    np.testing.assert_allclose(after["metallicity"], before["metallicity"], rtol=1e-5)


def test_a_model_that_cannot_be_widened_stays_as_it_was():
    model = small_model("attention")
    calibrate(model, [tuple(inputs_and_truths(1500, seed=1))])
    known = model.cumulative.correction.numpy().copy()
    with pytest.raises(TrainingDataError, match="too few to calibrate"):
        widen(model, [tuple(inputs_and_truths(50, seed=2))])
    np.testing.assert_array_equal(model.cumulative.correction.numpy(), known)


def test_too_few_validation_samples_are_refused():
    with pytest.raises(TrainingDataError, match="99 validation samples are too few.*100"):
        calibrate(small_model(), [tuple(inputs_and_truths(99))])


def test_ordered_quantiles_are_ordered_and_centred():
    layer = OrderedQuantiles(4, 5)
    raw = np.random.default_rng(0).normal(size=(30, 20)).astype("float32") * 5
    quantiles = ops.convert_to_numpy(layer(raw))
    assert (np.diff(quantiles, axis=-1) >= 0.0).all()
    assert np.allclose(quantiles[:, :, 2], raw.reshape(30, 4, 5)[:, :, 2])
    layer.correction.assign(np.random.default_rng(1).normal(size=(1, 4, 5)))
    assert (np.diff(ops.convert_to_numpy(layer(raw)), axis=-1) >= 0.0).all()
    with pytest.raises(ValueError, match="n_level is 4"):
        OrderedQuantiles(3, 4)


def test_cumulative_quantiles_are_cumulative_distributions():
    layer = CumulativeQuantiles(N_AGE_BIN, 5)
    raw = np.random.default_rng(0).normal(size=(30, 5 * N_AGE_BIN)).astype("float32") * 3
    layer(raw)
    layer.correction.assign(np.random.default_rng(1).normal(size=(1, N_AGE_BIN, 5)) * 0.1)
    quantiles = ops.convert_to_numpy(layer(raw))
    assert (np.diff(quantiles, axis=1) >= 0.0).all()
    assert (np.diff(quantiles, axis=2) >= 0.0).all()
    assert quantiles.min() >= 0.0
    assert (quantiles[:, -1] == 1.0).all()


def test_coverage_holds_at_every_noise():
    model = small_model("attention", adapted=False)
    noisy, truths = inputs_and_truths(4000, seed=1)
    clean, clean_truths = inputs_and_truths(4000, seed=2)
    noisy["flux_error"] *= 10.0
    # what is noisy is recovered less well; here the truths themselves scatter
    truths["truth"][:, 1] += np.random.default_rng(0).normal(size=4000).astype("float32")
    both = [
        ({k: np.concatenate([a[k][s], b[k][s]]) for k in a}, {k: np.concatenate([c[k][s], d[k][s]]) for k in c})
        for s in (slice(0, 2000), slice(2000, 4000))
        for a, b, c, d in [(noisy, clean, truths, clean_truths)]
    ]
    model.fit_normalization(both[:1])
    calibrate(model, both[:1])
    inputs, true = both[1]
    quantiles = ops.convert_to_numpy(model(inputs)["summary_quantiles"])[:, 0]
    age = ops.convert_to_numpy(model.targets(true)["summaries"])[:, 0]
    inside = (age >= quantiles[:, 1]) & (age <= quantiles[:, 3])
    assert inside[:2000].mean() == pytest.approx(0.68, abs=0.05)
    assert inside[2000:].mean() == pytest.approx(0.68, abs=0.05)


def test_noise_groups_are_those_between_the_edges():
    layer = NoiseGroups(3)
    layer.build((None, 1))
    layer.edges.assign([-2.0, -1.0])
    found = ops.convert_to_numpy(layer(np.array([[-3.0], [-1.5], [0.0]], dtype="float32")))
    assert found.tolist() == np.eye(3).tolist()


def test_noise_is_new_from_four_times_the_noisiest_on():
    layer = NoiseGroups(4)
    layer.build((None, 1))
    layer.edges.assign([-2.0, -1.5, -1.0])  # of noise between 0.003 and 0.3
    found = ops.convert_to_numpy(layer.beyond(np.log10([[0.003], [0.3162], [4 * 0.3162]]).astype("float32")))
    np.testing.assert_allclose(found, [0.0024, 0.25, 1.0], rtol=0.02)


@pytest.mark.parametrize("seen", [slice(0, 300), slice(90, 200), slice(0, 300, 3)], ids=["all", "third", "every third"])
def test_a_sum_of_components_is_nothing_new_however_little_of_it_is_seen(seen):
    random = np.random.default_rng(0)
    layer = NoveltyScore(components=6, n_group=1)
    layer.build((None, 300), None, None, (None, 2), (None, 1))
    wave = np.linspace(0.0, 1.0, 300)[:, None]
    basis = np.linalg.qr(np.cos(np.pi * wave * np.arange(6)) + 0.3 * random.standard_normal((300, 6)))[0]
    layer.basis.assign(basis)
    layer.misfit.assign(np.full(300, 5e-3))
    known = (random.standard_normal((8, 6)) * [30.0, 10.0, 3.0, 1.0, 0.3, 0.1]) @ basis.T
    strange = known + 0.1 * np.sin(40.0 * np.pi * wave[:, 0])
    good = np.zeros((8, 300), bool)
    good[:, seen] = True
    error = np.zeros((8, 300), "float32")
    distances = [
        ops.convert_to_numpy(
            layer.distances(np.where(good, flux, 0.0).astype("float32"), error, good, np.zeros((8, 2)))
        )
        for flux in (known, strange)
    ]
    assert distances[0][:, 0].max() < 0.05
    assert distances[1][:, 0].min() > 40.0


def test_parts_of_spectra_have_limits_of_their_own():
    model = small_model()
    inputs, truths = inputs_and_truths(2400)
    inputs["mask"][::2, 60:] = 0.0  # noise of a few pixels: the residuals of parts spread more
    batches = [({k: v[i::6] for k, v in inputs.items()}, {k: v[i::6] for k, v in truths.items()}) for i in range(6)]
    model.fit_normalization(batches)
    calibrate(model, batches)
    whole, part = model.novelty.limits.numpy()[:, :, 0]
    assert (part != whole).all()
    novelty = ops.convert_to_numpy(model(inputs)["novelty"])
    for those in (slice(0, None, 2), slice(1, None, 2)):
        assert (novelty[those] > 1.0).mean() == pytest.approx(FALSE_ALARM_RATE, abs=0.012)
