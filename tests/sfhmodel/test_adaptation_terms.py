"""The terms of an adaptation, each against what is known of it."""

import keras
import numpy as np
import pytest
from keras import ops
from small_model import description, inputs_and_truths, small_model

from sfhmodel.adaptation import adaptation_config, alignment, views
from sfhmodel.adaptation.adversary import adversarial, domain_classifier, gradient_reversed
from sfhmodel.adaptation.label_shift import LabelWeights, effective_share, raked
from sfhmodel.adaptation.model import shared_latent, with_gaps_of
from sfhmodel.adaptation.transport import LinearTransport, filled, monge_map
from sfhmodel.errors import ConfigError


def _features(n, seed, shift=0.0):
    return (np.random.default_rng(seed).standard_normal((n, 5)) + shift).astype(np.float32)


@pytest.mark.parametrize("distance", [alignment.coral, alignment.mmd])
def test_distances_are_none_for_equal_samples_and_grow_with_the_shift(distance):
    a = _features(200, 0)
    even = np.ones(200, np.float32)
    assert float(distance(a, a, even)) == pytest.approx(0.0, abs=1e-5)
    found = [float(distance(a, _features(300, 1, shift), even)) for shift in (0.0, 0.5, 1.0, 2.0)]
    assert found == sorted(found)
    assert found[-1] > 10 * found[0] > 0.0


@pytest.mark.parametrize("distance", [alignment.coral, alignment.mmd])
def test_distances_know_the_weights(distance):
    a, far = _features(200, 0), _features(50, 1, 5.0)
    both, weight = np.concatenate([a, far]), np.concatenate([np.ones(200), np.zeros(50)]).astype(np.float32)
    assert float(distance(both, a, weight)) == pytest.approx(0.0, abs=1e-4)
    assert float(distance(both, a, np.ones(250, np.float32))) > 0.01


def test_a_wider_sample_of_the_same_mean_is_another():
    a = _features(2000, 0)
    assert float(alignment.coral(a, 2.0 * _features(2000, 1), np.ones(2000, np.float32))) > 1.0


def test_standardized_features_have_no_unit():
    a, b = _features(50, 0), _features(60, 1, 1.0)
    plain, scaled = alignment.standardized(a, b), alignment.standardized(7.0 + 100.0 * a, 7.0 + 100.0 * b)
    for one, other in zip(plain, scaled, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    np.testing.assert_allclose(np.concatenate(plain).std(axis=0), 1.0, atol=1e-3)


class _Slope(keras.Model):
    """a x, before the gradient is reversed or not."""

    def __init__(self, reverse):
        super().__init__(name="slope")
        self.a, self.reverse = self.add_weight(shape=(), initializer="ones", name="a"), reverse
        self.built = True

    def call(self, x):
        return gradient_reversed(self.a * x) if self.reverse else self.a * x

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(y_pred)


def test_the_reversed_gradient_has_the_other_sign_and_the_value_stays():
    x = np.full((4, 1), 2.0, np.float32)
    found = {}
    for reverse in (False, True):
        model = _Slope(reverse)
        np.testing.assert_array_equal(np.asarray(model(x)), x)
        model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
        model.fit(x, x, epochs=1, verbose=0)
        found[reverse] = float(model.a)
    assert found == {False: pytest.approx(0.8), True: pytest.approx(1.2)}


def test_the_classifier_is_asked_of_both_kinds_alike():
    good, bad = np.full((3, 1), 4.0, np.float32), np.full((30, 1), 4.0, np.float32)
    even = np.ones(3, np.float32)
    assert float(adversarial(good, -bad, even)) < 0.05
    assert float(adversarial(0 * good, 0 * bad, even)) == pytest.approx(np.log(2.0))
    assert float(adversarial(good, bad, even)) == pytest.approx(float(adversarial(-good, -bad, even)), rel=1e-5)
    assert domain_classifier(6)(_features(3, 0)[:, [0, 1, 2, 3, 4, 0]]).shape == (3, 1)


def test_weights_recover_a_known_shift():
    rng = np.random.default_rng(2)
    simulated, observed = rng.uniform(0.0, 1.0, (20_000, 2)), rng.uniform(0.0, 1.0, (20_000, 2))
    observed = observed[rng.uniform(0.0, 1.5, len(observed)) < 0.5 + observed[:, 0]]  # density 0.5 + x, mean 7/12
    weights = LabelWeights(2, bins=10, most=4.0)
    share = weights.fit(simulated, observed)
    weight = np.asarray(weights(simulated.astype(np.float32)))
    assert weight.mean() == pytest.approx(1.0, rel=1e-5)
    assert np.average(simulated[:, 0], weights=weight) == pytest.approx(7 / 12, abs=0.01)
    assert np.average(simulated[:, 1], weights=weight) == pytest.approx(0.5, abs=0.01)
    expected = (0.5 + simulated[:, 0]) / (0.5 + simulated[:, 0]).mean()
    assert np.abs(weight - expected).mean() < 0.07
    assert share == pytest.approx(effective_share(weight), rel=1e-3)
    assert share == pytest.approx(12 / 13, abs=0.01)  # 1 / <(0.5 + x)^2>


def test_weights_are_bounded_and_even_where_nothing_differs():
    rng = np.random.default_rng(3)
    same = rng.standard_normal((5000, 1))
    weights = LabelWeights(1)
    assert float(np.ptp(np.asarray(weights(same.astype(np.float32))))) == 0.0  # until they are set
    assert weights.fit(same, same[::-1]) == pytest.approx(1.0, abs=1e-3)
    edges, ratios = raked(same, same + 50.0, 8, 3.0)
    assert np.isfinite(ratios).all()
    assert np.isfinite(edges).all()
    weights.fit(same, same + 50.0)
    weight = np.asarray(weights(np.linspace(-3.0, 53.0, 1000, dtype=np.float32)[:, None]))
    assert weight.max() / weight.min() == pytest.approx(16.0, rel=1e-3)


def test_the_map_between_gaussians_is_that_of_the_textbook():
    np.testing.assert_allclose(monge_map(np.diag([1.0, 4.0]), np.diag([4.0, 1.0])), np.diag([2.0, 0.5]), atol=1e-9)
    np.testing.assert_allclose(
        monge_map(np.diag([1.0, 4.0]), np.diag([4.0, 1.0]), 1.5), np.diag([1.5, 1 / 1.5]), atol=1e-9
    )
    rng = np.random.default_rng(4)
    a, b = (rng.standard_normal((3, 9)) for _ in range(2))
    a, b = a @ a.T, b @ b.T
    found = monge_map(a, b)
    np.testing.assert_allclose(found @ a @ found, b, rtol=1e-6)


def _scaled(n, seed, scales, shift, noise=0.05):
    """Spectra of three broad modes about 1 with noise, as `SpectrumNormalization.scale` gives them."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.0, 1.0, 60)
    modes = np.stack([np.sin(2 * np.pi * x), np.cos(2 * np.pi * x), np.sin(4 * np.pi * x)])
    flux = 1.0 + shift + (rng.standard_normal((n, 3)) * scales) @ modes + noise * rng.standard_normal((n, 60))
    one = np.ones((n, 1))
    return {"flux": flux, "good": np.ones(flux.shape, bool), "error": noise + 0 * flux, "mean": one, "largest": one}


def test_carried_spectra_are_distributed_as_the_others():
    ours, theirs = _scaled(4000, 0, [0.3, 0.2, 0.1], 0.0), _scaled(4000, 1, [0.2, 0.2, 0.2], 0.1)
    ours["good"][::3, 20:25] = False
    layer = LinearTransport(60, components=6)
    inputs = {"flux": np.where(ours["good"], 7.0 * ours["flux"], np.nan), "mask": np.ones(4000)}
    ours["mean"] = 7.0 * ours["mean"]
    single = {name: np.asarray(values, dtype=np.float32 if name != "good" else bool) for name, values in ours.items()}
    before = np.asarray(layer(inputs, single)["flux"])
    np.testing.assert_allclose(before[ours["good"]], 7.0 * ours["flux"][ours["good"]], rtol=1e-6)
    basis = np.linalg.svd(theirs["flux"], full_matrices=False)[2][:6].T
    whole = np.array(filled(ours["flux"], ours["good"], basis))
    assert np.abs(whole - ours["flux"]).max() < 0.5  # the noise, and what a third of the light cannot tell
    layer.fit({**ours, "flux": whole}, theirs, np.ones(4000))
    carried = layer(inputs, single)
    flux = np.asarray(carried["flux"])
    np.testing.assert_array_equal(np.asarray(carried["mask"]), 1.0)
    np.testing.assert_array_equal(np.isnan(flux), ~ours["good"])
    whole = flux[ours["good"].all(axis=1)] / 7.0
    assert np.abs(whole.mean(axis=0) - 1.1).max() < 0.03
    difference = np.cov(whole, rowvar=False) - np.cov(theirs["flux"], rowvar=False)
    unmoved = np.cov(ours["flux"], rowvar=False) - np.cov(theirs["flux"], rowvar=False)
    assert np.abs(difference).max() < 0.25 * np.abs(unmoved).max()


def test_second_views_that_answer_alike_cost_nothing():
    model = small_model("branched")
    first, other = (model.forward(next(iter(inputs_and_truths(8, seed=seed)))) for seed in (1, 2))
    scale = model.summary.std[:, 0]
    assert float(views.inconsistency(first, first, scale)) == 0.0
    assert float(views.inconsistency(first, other, scale)) > 0.0


def test_only_hidden_pixels_are_reconstructed():
    mask, left = np.ones((2, 6), np.float32), np.ones((2, 6), np.float32)
    left[0, 1:3] = 0.0
    mask[0, 2] = 0.0  # was never seen
    features = {"continuum": np.full((2, 6), 2.0, np.float32), "ignored": 1.0 - mask}
    decoded = np.zeros((2, 6), np.float32)
    assert float(views.reconstruction(decoded, features, mask, left)) == pytest.approx(4.0)
    decoded[0, 1] = 2.0
    assert float(views.reconstruction(decoded, features, mask, left)) == 0.0


def test_simulated_galaxies_lack_what_the_observed_lack():
    def inputs(**changes):
        ones = np.ones((2, 3), np.float32)
        names = ("flux", "flux_error", "mask", "magnitudes", "magnitude_errors")
        return {name: ones.copy() for name in names} | changes

    gone = np.array([[1, 0, 1], [1, 1, 1]], np.float32)
    no_error = np.array([[1, 1, np.nan], [0, 1, 1]], np.float32)
    no_band = np.array([[np.nan, 20, 20], [20, 20, 20]], np.float32)
    observed = inputs(mask=gone, flux_error=no_error, magnitudes=no_band, magnitude_errors=no_error)
    found = {name: np.asarray(values) for name, values in with_gaps_of(inputs(), observed).items()}
    np.testing.assert_array_equal(found["mask"], gone)
    np.testing.assert_array_equal(found["flux_error"], [[1, 1, 0], [0, 1, 1]])
    np.testing.assert_array_equal(np.isnan(found["magnitudes"]), np.isnan(no_band))
    np.testing.assert_array_equal(np.isnan(found["magnitude_errors"]), [[1, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(found["flux"], 1.0)


def test_a_network_without_shared_features_is_refused():
    class Core:
        architecture = "plain"
        network = keras.Model(x := keras.Input((3,)), {"raw": keras.layers.Dense(2)(x)})

    with pytest.raises(ConfigError, match="'plain' has no output 'latent' .*it has raw"):
        shared_latent(Core)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"losses": {"deep_coral": 1.0}}, "no term deep_coral: there are supervised, mmd"),
        ({"losses": {"mmd": -1.0}}, "the weight of mmd must not be negative"),
        ({"losses": {"supervised": 0.0}}, "supervised must have a weight"),
        ({"held_out": 1.0}, "held_out: Input should be less than 1"),
        ({"ramps": 1}, "unknown key 'ramps'"),
    ],
)
def test_what_is_wrong_with_the_config_is_told(content, message):
    with pytest.raises(ConfigError, match=message):
        adaptation_config(content)


def test_weights_of_terms_that_are_not_named_are_the_defaults():
    config = adaptation_config({"losses": {"coral": 0.0, "transport": 0.5}})
    assert set(config.terms) == {"supervised", "mmd", "transport", "consistency"}
    assert adaptation_config({}).terms == {"supervised": 1.0, "mmd": 1.0, "coral": 0.1, "consistency": 0.5}
    assert adaptation_config(adaptation_config({}).model_dump()) == adaptation_config({})
    assert description().adaptation == {}
