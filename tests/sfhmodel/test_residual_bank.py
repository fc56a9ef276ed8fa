"""Banks of residuals: what is kept of a spectrum, the file, the command, and training with it."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import sfhsim
from sfhmodel.checking import CheckResult, check_arrays
from sfhmodel.checking.bank import ResidualBank, load_bank
from sfhmodel.checking.residuals import residuals
from sfhmodel.cli.residuals import register
from sfhmodel.description import SUMMARIES, ModelDescription
from sfhmodel.errors import ConfigError
from sfhmodel.inference import residual_files
from sfhmodel.inference.residual_files import residual_bank
from sfhmodel.layers.residual_rows import decoded_rows, encoded_rows
from sfhmodel.training.augmentation import augmentation_options
from sfhmodel.training.config import config_from_dict
from sfhsim.recipe import load_recipe, recipe_to_dict

WAVE_AA = np.arange(4800.0, 7000.1, 1.25)
N = WAVE_AA.size
X = np.linspace(0.0, 1.0, N)


def result(model) -> CheckResult:
    """A check whose models are known."""
    nothing = np.zeros(len(model))
    return CheckResult(*[nothing] * 8, model=np.asarray(model), stars=np.asarray(model))


def found(flux, error, mask=None, lines=()):
    model = np.ones(flux.shape)
    return residuals(
        result(model), WAVE_AA, np.array(lines), flux, error, np.ones(flux.shape) if mask is None else mask
    )


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_structure_is_kept_and_noise_is_not():
    rng = np.random.default_rng(0)
    wave = 0.02 * np.sin(2 * np.pi * 12 * X)
    for sigma in (0.002, 0.02):
        error = np.full((20, N), sigma)
        flux = 1.0 + wave + error * rng.standard_normal((20, N))
        got = found(flux, error).residual
        left = np.sqrt(np.mean((got - wave) ** 2))
        assert left < 0.35 * sigma
        assert np.std(got) == pytest.approx(np.std(wave), rel=0.15)
    nothing = found(1.0 + 0.02 * rng.standard_normal((20, N)), np.full((20, N), 0.02)).residual
    assert np.sqrt(np.mean(nothing**2)) < 0.25 * 0.02


def test_unknown_errors_are_the_scatter():
    rng = np.random.default_rng(1)
    flux = 1.0 + 0.02 * np.sin(2 * np.pi * 12 * X) + 0.02 * rng.standard_normal((20, N))
    unknown = found(flux, np.full(flux.shape, np.nan)).residual
    known = found(flux, np.full(flux.shape, 0.02)).residual
    assert np.std(unknown - known) < 0.1 * 0.02


def test_lines_that_were_fitted_badly_are_left_out_with_their_surroundings():
    flux = np.ones((2, N))
    near = np.abs(WAVE_AA - 6562.8) < 4.0
    flux[0, near] += 0.4
    flux[1, np.abs(WAVE_AA - 6000.0) < 4.0] += 0.4  # no line
    got = found(flux, np.full(flux.shape, 0.01), lines=[6562.8])
    left_out = np.abs(WAVE_AA / 6562.8 - 1.0) < 700.0 / 299792.458
    np.testing.assert_array_equal(got.good[0], ~left_out)
    assert np.abs(got.residual[0]).max() < 1e-6
    assert got.good[1].all()
    assert got.residual[1].max() > 0.3


def test_masked_pixels_and_spectra_of_nothing():
    flux, mask = np.ones((2, N)), np.ones((2, N))
    flux[0, 100:200], mask[0, 100:200], mask[1] = 1e9, 0, 0
    got = found(flux, np.full(flux.shape, 0.01), mask)
    assert not got.good[0, 100:200].any()
    assert not got.good[1].any()
    assert np.abs(got.residual).max() < 1e-6


# --- rows in a configuration ----------------------------------------------------------------------------------------


def test_rows_survive_json_in_half_precision():
    rows = np.random.default_rng(2).normal(0.0, 0.02, (3, 50))
    content = json.loads(json.dumps(encoded_rows(rows)))
    np.testing.assert_allclose(decoded_rows(content), rows, rtol=1e-3, atol=1e-6)
    assert decoded_rows(content).dtype == np.float32


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros(5), "have shape .5,.: need .rows, pixels."),
        (np.zeros((0, 5)), "need .rows, pixels."),
        (np.full((1, 5), np.nan), "must be finite and between"),
        (np.full((1, 5), -1.0), "must be finite and between"),
    ],
)
def test_rows_that_are_none_are_refused(rows, message):
    with pytest.raises(ConfigError, match=message):
        encoded_rows(rows)


GOOD = encoded_rows(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("bank.npz", "'bank.npz' is a file, which a layer does not read"),
        (3, "bank must be a dict of rows, pixels, float16"),
        ({"rows": 2}, "bank must be a dict of rows, pixels, float16"),
        (GOOD | {"rows": 3}, "bank is damaged"),
        (GOOD | {"float16": "%%%"}, "bank is damaged"),
        (GOOD | {"float16": 7}, "bank is damaged"),
        (GOOD | {"float16": "AHwAfAB8AHwAfAB8"}, "between -0.9 and 0.9"),  # infinities
    ],
)
def test_content_that_is_none_is_refused(content, message):
    with pytest.raises(ConfigError, match=message):
        decoded_rows(content)


# --- the file -------------------------------------------------------------------------------------------------------


def small_bank(**changes) -> ResidualBank:
    rows = np.random.default_rng(3).normal(0.0, 0.02, (2, 40)).astype(np.float32)
    good = np.ones((2, 40), dtype=bool)
    good[0, :10] = False
    known = {"residual": rows, "good": good, "wave_aa": np.linspace(5000.0, 5390.0, 40), "names": ("a", "b")}
    return ResidualBank(**(known | {"about": {"model": "m", "files": ["f.fits"]}} | changes))


def test_bank_through_its_file(tmp_path):
    bank = small_bank()
    again = load_bank(bank.write(tmp_path / "bank.npz"))
    for name in ("residual", "good", "wave_aa"):
        np.testing.assert_array_equal(getattr(again, name), getattr(bank, name))
    assert (again.names, again.about) == (bank.names, bank.about)
    np.testing.assert_allclose(again.rms[0], np.sqrt(np.mean(bank.residual[0, 10:] ** 2)), rtol=1e-6)
    with pytest.raises(ConfigError, match="exists"):
        bank.write(tmp_path / "bank.npz", overwrite=False)


def test_files_that_are_no_banks(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the bank of residuals .*No such file"):
        load_bank(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("residual")
    with pytest.raises(ConfigError, match="is no bank of residuals"):
        load_bank(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", flux=np.ones(3))
    with pytest.raises(ConfigError, match="is no bank of residuals"):
        load_bank(tmp_path / "other.npz")
    path = small_bank().write(tmp_path / "bank.npz")
    with np.load(path) as stored:
        content = dict(stored)
    np.savez(path, **content | {"residual": content["residual"] * 2})
    with pytest.raises(ConfigError, match="damaged or of another version"):
        load_bank(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"names": ("a",)}, "a bank of 1 names and 40 wavelengths has residuals of shape .2, 40."),
        ({"residual": np.full((2, 40), np.inf)}, "must be finite and between"),
    ],
)
def test_banks_that_are_none(changes, message):
    with pytest.raises(ConfigError, match=message):
        small_bank(**changes)


def test_rows_on_another_grid():
    bank = small_bank()
    rows = decoded_rows(bank.encoded(np.linspace(5005.0, 5385.0, 39)))
    np.testing.assert_allclose(rows, 0.5 * (bank.residual[:, 1:] + bank.residual[:, :-1]), atol=1e-4)
    with pytest.raises(ConfigError, match="covers 5000-5390 A, the spectra to train on 4800-5300 A"):
        bank.encoded(np.linspace(4800.0, 5300.0, 10))


def test_a_training_config_names_the_file(tmp_path):
    path = small_bank().write(tmp_path / "bank.npz")
    description = ModelDescription(small_bank().wave_aa, np.array([0.0, 1e10]), (), ())
    options = {"bank": str(path), "amplitude": [0.5, 2.0], "probability": 0.5}
    chosen = augmentation_options(config_from_dict({"augmentation": {"residuals": options}}), description)
    np.testing.assert_allclose(decoded_rows(chosen["residuals"]["bank"]), small_bank().residual, atol=1e-4)
    assert chosen["residuals"]["amplitude"] == [0.5, 2.0]
    gone = config_from_dict({"augmentation": {"residuals": options | {"bank": str(tmp_path / "gone.npz")}}})
    with pytest.raises(ConfigError, match="cannot read the bank"):
        augmentation_options(gone, description)


# --- from spectra ---------------------------------------------------------------------------------------------------


class _TruePredictor:
    """Predicts what simulated galaxies are, in place of a network."""

    def __init__(self, recipe, batch, a_v_mag):
        edges_yr = np.array(recipe.labels.age_bin_edges_myr) * 1e6
        self.description = ModelDescription(
            recipe.spectrum.wave_aa, edges_yr, (), (), recipe=recipe_to_dict(recipe), dataset_name="true"
        )
        self.batch, self.a_v_mag = batch, a_v_mag

    def predict_spectra(self, spectra, *, on_bad, check, on_progress):
        assert check
        assert on_bad == "skip"
        from sfhmodel.inference.prediction import Prediction

        n, d = len(spectra), self.description
        rows = [int(s.name) for s in spectra]
        summaries = np.zeros((n, len(SUMMARIES)))
        summaries[:, [s[0] for s in SUMMARIES].index("a_v_mag")] = self.a_v_mag[rows]
        flux = np.array([s.flux for s in spectra])
        scale = np.abs(flux).mean(axis=1, keepdims=True)
        inputs = {"flux": flux / scale, "flux_error": np.array([s.flux_error for s in spectra]) / scale}
        inputs["mask"] = np.ones(flux.shape)
        answers = {"mass_fraction": self.batch.mass_fraction[rows], "metallicity": self.batch.metallicity[rows]}
        answers["summaries"] = summaries
        checked, _ = check_arrays(d, answers, **inputs)
        on_progress(n)
        empty = dict.fromkeys(("cumulative_quantiles", "metallicity_quantiles", "summary_quantiles", "novelty"), flux)
        rest = dict.fromkeys(("masked_fraction", "magnitudes", "magnitude_errors", "redshift"), np.zeros(n))
        names = tuple(s.name for s in spectra)
        return Prediction(
            d, names, **rest, **empty, **answers, **inputs, problems=("",) * n, check=checked, notes=("n",)
        )


@pytest.fixture(scope="module")
def simulated():
    recipe = load_recipe("phangs-muse-hst-embedded")
    simulator = sfhsim.Simulator(recipe, sfhsim.load_library("bc03-miles"), seed=3)
    batch = simulator.batch(range(4))
    names = [entry["name"] for entry in simulator.truths.entries]
    return recipe, batch, batch.truth[:, names.index("a_v_mag")]


@pytest.fixture
def file(simulated, tmp_path):
    """Spectra of S/N 200 with a ripple of 3%, the last of another kind altogether."""
    _, batch, _ = simulated
    free = batch.noise_free_spectrum.astype(float)
    error = np.full(free.shape, free.mean(axis=1, keepdims=True) / 200.0)
    flux = free * (1.0 + 0.03 * np.sin(2 * np.pi * 25 * X)) + error * np.random.default_rng(0).standard_normal(
        free.shape
    )
    flux[3] = free[3].mean() * (1.0 + 0.8 * np.sin(2 * np.pi * 25 * X))
    names = [str(k) for k in range(4)]
    np.savez(tmp_path / "in.npz", wavelength_aa=WAVE_AA, flux=flux, error=error, redshift=np.zeros(4), names=names)
    return tmp_path / "in.npz"


@pytest.fixture
def true_predictor(simulated, monkeypatch):
    monkeypatch.setattr("sfhmodel.inference.loading.load", lambda model, settings=None: _TruePredictor(*simulated))


def test_what_was_put_in_comes_out(true_predictor, file, tmp_path):
    outcome = residual_bank("true", [file], tmp_path / "bank.npz")
    assert outcome.ok
    bank = load_bank(tmp_path / "bank.npz")
    assert bank.names == ("0", "1", "2")
    ripple = 0.03 * np.sin(2 * np.pi * 25 * X)
    for row, good in zip(bank.residual, bank.good, strict=True):
        assert good.mean() > 0.8
        assert np.corrcoef(row[good], ripple[good])[0, 1] > 0.9
        assert np.std(row[good]) == pytest.approx(np.std(ripple), rel=0.2)
    assert bank.about["files"] == ["in.npz"]
    assert (bank.about["model"], bank.about["library"], bank.about["trained_on"]) == ("true", "bc03-miles", "true")
    assert len(outcome.problems) == 1
    assert "3: mismatch" in outcome.problems[0][1]
    assert "at most 4: the prediction does not fit" in str(outcome)
    assert "3 rows" in str(outcome)


def test_command_says_when_nothing_is_left(true_predictor, file, tmp_path, monkeypatch):
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    words = ["residuals", file, tmp_path / "none.fits", "--model", "true", "--out", tmp_path / "bank.npz"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "left out" in result.output
    again = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(again.exception, ConfigError)
    monkeypatch.setattr(residual_files, "HIGHEST_MISMATCH", -1.0)
    nothing = CliRunner().invoke(app, [*map(str, words), "--overwrite"])
    assert nothing.exit_code == 1
    assert "no bank was written" in nothing.output


def test_places_that_are_none(true_predictor, file, tmp_path):
    with pytest.raises(ConfigError, match="written as .npz"):
        residual_bank("true", [file], tmp_path / "bank.fits")
