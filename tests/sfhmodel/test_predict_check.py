"""`predict --check`: from spectra to the result of the check, its columns, its picture and what the command says."""

import numpy as np
import pytest
import typer
from astropy.table import Table
from small_networks import small_description, small_model
from typer.testing import CliRunner

import sfhsim
from sfhmodel.checking import check, checked
from sfhmodel.cli.predict import register
from sfhmodel.description import ModelDescription
from sfhmodel.errors import InputError
from sfhmodel.inference import Predictor, load
from sfhmodel.inference.prediction import Prediction
from sfhsim.recipe import load_recipe, recipe_to_dict

STEP_AA = 4.0
FIGURES = ("chi2", "residual_rms", "residual_rms_sigma", "mismatch", "calibration_rms", "velocity_dispersion_kms")


@pytest.fixture(scope="module")
def recipe():
    plain = recipe_to_dict(load_recipe("phangs-muse-hst-embedded"))
    bins = {"age_bin_edges_myr": [0.0, 10.0, 100.0, 1000.0, 5000.0, 13800.0]}
    return plain | {"spectrum": plain["spectrum"] | {"step_aa": STEP_AA}, "labels": bins}


@pytest.fixture(scope="module")
def model_file(tmp_path_factory, recipe):
    made_up = small_description()
    description = ModelDescription(
        wave_aa=np.arange(4800.0, 7000.1, STEP_AA),
        age_bin_edges_yr=np.array(recipe["labels"]["age_bin_edges_myr"]) * 1e6,
        bands=made_up.bands,
        truth_names=made_up.truth_names,
        recipe=recipe,
    )
    path = tmp_path_factory.mktemp("model") / "checked.keras"
    small_model("attention", description).save(path)
    return path


@pytest.fixture(scope="module")
def predictor(model_file):
    return load(model_file)


@pytest.fixture(scope="module")
def spectra(recipe):
    """(wavelengths, fluxes, errors) of five galaxies, to 7100 A."""
    wide = recipe | {"spectrum": recipe["spectrum"] | {"start_aa": 4700.0, "stop_aa": 7100.0}}
    simulator = sfhsim.Simulator(sfhsim.recipe.recipe_from_dict(wide), sfhsim.load_library("bc03-miles"))
    batch = simulator.batch(range(5))
    return simulator.spectrograph.wave_aa, batch.spectrum, batch.spectrum_error


@pytest.fixture(scope="module")
def predicted(predictor: Predictor, spectra) -> Prediction:
    return predictor.predict(*spectra, redshift=[0.0, 0.002, 0.0, 0.002, 0.0], batch_size=2, check=True)


def test_each_galaxy_has_its_own_result(predictor, predicted, spectra):
    assert len(predicted.check) == 5
    again = checked(predictor.predict(*spectra, redshift=[0.0, 0.002, 0.0, 0.002, 0.0]))
    for name in FIGURES:
        np.testing.assert_allclose(getattr(predicted.check, name), getattr(again.check, name), rtol=1e-2, err_msg=name)
    assert predicted.check.model.shape == predicted.flux.shape
    used = predicted.mask > 0
    rms = [
        np.sqrt(np.mean((f - m)[u] ** 2)) for f, m, u in zip(predicted.flux, predicted.check.model, used, strict=True)
    ]
    np.testing.assert_allclose(predicted.check.residual_rms, rms, rtol=1e-3)


def test_without_being_asked_nothing_is_checked(predictor, spectra):
    assert predictor.predict(*spectra).check is None


def test_spectra_made_again_are_kept_with_the_inputs_only(predictor, spectra, predicted):
    bare = predictor.predict(*spectra, redshift=[0.0, 0.002, 0.0, 0.002, 0.0], keep_inputs=False, check=True)
    assert bare.check.model is None
    np.testing.assert_allclose(bare.check.chi2, predicted.check.chi2, rtol=1e-3)
    assert predicted.without_inputs().check.model is None
    with pytest.raises(InputError, match="spectra were not kept"):
        checked(bare)


def test_some_and_joined(predicted):
    some = predicted[[4, 1]]
    np.testing.assert_array_equal(some.check.chi2, predicted.check.chi2[[4, 1]])
    joined = Prediction.joined([predicted[:2], predicted[2:]])
    np.testing.assert_array_equal(joined.check.mismatch, predicted.check.mismatch)


def test_arrays_of_ones_own(predicted):
    result, notes = check(predicted, 7.0 * predicted.flux, 7.0 * predicted.flux_error, predicted.mask)
    np.testing.assert_allclose(result.chi2, predicted.check.chi2, rtol=1e-3)
    np.testing.assert_allclose(result.model, 7.0 * predicted.check.model, rtol=0.02)
    assert notes == ()


@pytest.mark.parametrize("ending", ["ecsv", "fits", "npz"])
def test_tables_hold_it(predicted, tmp_path, ending):
    path = predicted.without_inputs().write(tmp_path / f"out.{ending}")
    table = np.load(path) if ending == "npz" else Table.read(path, **({"hdu": 1} if ending == "fits" else {}))
    for name in FIGURES:
        np.testing.assert_allclose(table[name], getattr(predicted.check, name))
    np.testing.assert_array_equal(table["unlike_reproduced"], predicted.check.unlike_reproduced)


def test_spectra_that_cannot_be_used_are_nan(predictor, spectra):
    wave_aa, flux, error = spectra
    flux = flux.copy()
    flux[1] = np.nan
    result = predictor.predict(wave_aa, flux, error, on_bad="skip", check=True)
    np.testing.assert_array_equal(np.isfinite(result.check.chi2), [True, False, True, True, True])


def test_command(model_file, spectra, tmp_path):
    wave_aa, flux, error = spectra
    np.savez(tmp_path / "in.npz", wavelength_aa=wave_aa, flux=flux[:2], error=error[:2], names=["a", "b"])
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    words = ["predict", model_file, tmp_path / "in.npz", "--out", tmp_path / "out.ecsv", "--check"]
    result = CliRunner().invoke(app, [str(w) for w in (*words, "--plots", tmp_path / "plots")])
    assert result.exit_code == 0, result.output
    table = Table.read(tmp_path / "out.ecsv")
    assert f"{sum(table['unlike_reproduced'])} not reproduced by what was predicted" in " ".join(result.output.split())
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == ["a.png", "b.png"]


def test_picture_shows_what_is_left(predicted, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: (drawn.append(figure), path.write_bytes(b"x")))
    predicted.plot(tmp_path / "a.png", 1)
    spectrum, *_, residual = drawn[0].axes
    assert "made again from the histories" in [line.get_label() for line in spectrum.lines]
    one, used = predicted[1], predicted.mask[1] > 0
    expected = 100.0 * (one.flux[0] / one.check.model[0] - 1.0)
    np.testing.assert_allclose(residual.lines[1].get_ydata()[used], expected[used], rtol=1e-5)
    assert f"{one.check.chi2[0]:.2f}" in residual.texts[0].get_text()
