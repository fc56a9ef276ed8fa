"""Posteriors of a recipe's parameters: from a data set to samples that the simulator corrects, against a grid."""

import functools
import json

import numpy as np
import pytest
from astropy.io import fits
from training_runs import small_config
from typer.testing import CliRunner

import sfhsim
from sfhmodel.calibration import calibrate
from sfhmodel.cli.main import app
from sfhmodel.errors import ConfigError, InputError, ModelFileError, TrainingDataError
from sfhmodel.inference import load
from sfhmodel.posterior import Posterior, correction
from sfhmodel.posterior.annealing import anneal
from sfhmodel.posterior.coordinates import ParameterCoordinates, normal_deviates, probabilities
from sfhmodel.posterior.files import sample_files
from sfhmodel.spectra import ReadOptions
from sfhmodel.training.finish import new_model
from sfhmodel.training.sources import open_source
from sfhsim.recipe import recipe_from_dict

LAW = {"law": "power_law", "tau": 0.5}
RECIPE = {
    "name": "two",
    "description": "Only dust and metallicity vary.",
    "library": "bc03-miles",
    "histories": [{"family": "skewed_normal", "parameters": {"peak_gyr": 6.0, "period_gyr": 2.0}}],
    "metallicity": {"z_start": 4e-4, "z_final": {"distribution": "log_uniform", "min": 0.004, "max": 0.04}},
    "dust": {"birth": LAW, "screen": LAW | {"tau": {"distribution": "uniform", "min": 0.0, "max": 1.0}}},
    "nebular": {"model": "none"},
    "kinematics": {"velocity_dispersion_kms": 150.0, "redshift": 0.0},
    "spectrum": {"start_aa": 4800.0, "stop_aa": 7000.0, "step_aa": 8.0, "lsf": {"name": "muse"}},
    "photometry": {"filters": ["HST/WFC3_UVIS.F438W", "HST/WFC3_UVIS.F814W"], "error_mag": 0.05},
    "noise": {"model": "constant", "snr": 20.0},
    "labels": {"age_bin_edges_myr": [0.0, 100.0, 1000.0, 5000.0, 13800.0]},
}
SIDE = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder with a data set, a model that learnt nothing, a flow of parameters and a spectrum."""
    folder = tmp_path_factory.mktemp("correction")
    recipe = recipe_from_dict(RECIPE)
    sfhsim.generate_dataset(recipe, 400, folder / "dataset", seed=3, split={"train": 0.6, "validation": 0.4}, workers=1)
    source = open_source(folder / "dataset")
    model = new_model(small_config(), source)
    model.fit_normalization(source.sample(small_config()))
    calibrate(model, source.validation(64, None))
    model.save(folder / "model.keras")
    command = ["posterior", "train", str(folder / "model.keras"), str(folder / "dataset"), "--of", "parameters"]
    command += ["--out", str(folder / "flow.npz"), "--steps", "30", "--couplings", "2"]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    batch = sfhsim.Simulator.from_recipe(recipe, seed=9).batch([1])
    wave_aa = load(folder / "model.keras").description.wave_aa
    np.savetxt(folder / "galaxy.txt", np.array([wave_aa, batch.spectrum[0], batch.spectrum_error[0]]).T)
    return folder


def grid_posterior(folder, magnitudes):
    """Points (n, 2) of the unit square and the weight of each, by the likelihood on a grid."""
    _, flux, error = np.loadtxt(folder / "galaxy.txt").T
    simulator = sfhsim.Simulator.from_recipe(recipe_from_dict(RECIPE))
    side = (np.arange(SIDE) + 0.5) / SIDE
    points = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    value = sfhsim.Likelihood(simulator, flux, error, *magnitudes)(points)
    return points, np.exp(value - value.max()) / np.exp(value - value.max()).sum()


def test_corrected_samples_are_those_of_the_likelihood_on_a_grid(made, tmp_path):
    out = tmp_path / "samples.fits"
    command = ["posterior", "sample", str(made / "model.keras"), str(made / "flow.npz"), str(made / "galaxy.txt")]
    command += ["--redshift", "0", "--samples", "1500", "--correct", "--out", str(out)]
    command += ["--magnitudes", "HST/WFC3_UVIS.F438W=20.3:0.05,HST/WFC3_UVIS.F814W=18.9:0.05"]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    points, weight = grid_posterior(made, (np.array([20.3, 18.9]), np.array([0.05, 0.05])))
    with fits.open(out) as hdus:
        header, values = hdus["PARAMETERS"].header, hdus["PARAMETERS"].data[0]
        table = hdus["QUANTITIES"].data
        assert 1.0 <= table["effective_samples"][0] < 1500.0
        assert table["steps"][0] >= 1
        assert table["renewed"][0] >= 3.0
        assert table["weighted_samples"][0] >= 3000.0
        a_v_mag = hdus["A_V_MAG"].data[0]
    names = [header["PAR1"], header["PAR2"]]
    assert names == list(sfhsim.PriorCube(recipe_from_dict(RECIPE)).names) == ["metallicity.z_final", "dust.screen.tau"]
    square = np.stack([np.log(values[:, 0] / 0.004) / np.log(10.0), values[:, 1]], axis=1)
    mean = weight @ points
    spread = np.sqrt(weight @ (points - mean) ** 2)
    assert (spread > 2.0 / SIDE).all()  # the grid resolves it
    np.testing.assert_allclose((square.mean(axis=0) - mean) / spread, 0.0, atol=0.12)
    np.testing.assert_allclose(square.std(axis=0), spread, rtol=0.1)
    assert np.corrcoef(a_v_mag, values[:, 1])[0, 1] > 0.99


def test_samples_that_hang_together_are_noted(made, tmp_path, monkeypatch):
    monkeypatch.setattr(correction, "anneal", functools.partial(anneal, most_rounds=0))
    where = made / "model.keras", made / "flow.npz", [made / "galaxy.txt"], tmp_path / "few.fits"
    found = sample_files(*where, n=120, correct=True, options=ReadOptions(redshift=0.0))
    assert found.notes[-1][0] == found.samples.names[0]
    assert "column renewed" in found.notes[-1][1]
    assert "column renewed" in str(found).replace("\n", " ")


def test_weights_that_are_worth_too_little_are_noted_and_not_used(made, tmp_path, monkeypatch):
    """The samples are those of before, again and again where more are wanted."""
    monkeypatch.setattr(correction, "_ENOUGH", np.inf)
    where = made / "model.keras", made / "flow.npz", [made / "galaxy.txt"], tmp_path / "annealed.fits"
    found = sample_files(*where, n=1200, correct=True, options=ReadOptions(redshift=0.0))
    assert "column weighted_samples" in found.notes[-1][1]
    assert found.samples.weighted_samples.tolist() == [0.0]
    distinct = np.unique(np.stack(list(found.samples.parameters.values()), axis=-1)[0], axis=0)
    assert 500 < len(distinct) <= 1000
    _, weight = grid_posterior(made, (np.full(2, np.nan), np.full(2, np.nan)))
    tau = ((np.arange(SIDE) + 0.5) / SIDE) @ weight.reshape(SIDE, SIDE).sum(axis=0)
    assert found.samples.parameters["dust.screen.tau"].mean() == pytest.approx(tau, abs=0.02)


def test_a_few_corrected_samples_are_of_the_right_posterior_too(made):
    posterior, predictor = Posterior.load(made / "flow.npz"), load(made / "model.keras", backend="keras")
    wave_aa, flux, error = np.loadtxt(made / "galaxy.txt").T
    found = posterior.sample(predictor, predictor.predict(wave_aa, flux, error), 20, correct=True)
    points, weight = grid_posterior(made, (np.full(2, np.nan), np.full(2, np.nan)))
    mean = weight @ points[:, 1]
    spread = np.sqrt(weight @ (points[:, 1] - mean) ** 2)
    tau = found.parameters["dust.screen.tau"][0]
    assert tau.shape == (20,)
    assert tau.mean() == pytest.approx(mean, abs=spread)
    assert found.weighted_samples[0] >= 3000.0


def test_predict_with_samples_writes_both(made, tmp_path):
    command = ["predict", str(made / "model.keras"), str(made / "galaxy.txt"), "--redshift", "0"]
    command += ["--out", str(tmp_path / "table.fits"), "--samples", "20"]
    with pytest.raises(ConfigError, match="both --samples N and --posterior FLOW"):
        CliRunner().invoke(app, command, catch_exceptions=False, standalone_mode=False)
    command += ["--posterior", str(made / "flow.npz")]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 0, found.output
    assert "20 of 1 spectrum" in found.output.replace("\n", "")
    with fits.open(tmp_path / "table-samples.fits") as hdus:
        assert hdus["MASS_FRACTION"].data.shape == (1, 20, 4)
        assert "effective_samples" not in hdus["QUANTITIES"].columns.names
    (tmp_path / "table.fits").unlink()
    with pytest.raises(ConfigError, match="table-samples.fits exists"):
        CliRunner().invoke(app, command, catch_exceptions=False, standalone_mode=False)
    with pytest.raises(ConfigError, match="need --backend keras"):
        CliRunner().invoke(app, [*command, "--backend", "onnx"], catch_exceptions=False, standalone_mode=False)
    command[1] = "optical"
    with pytest.raises(ModelFileError, match="belong to another model"):
        CliRunner().invoke(app, [*command, "--overwrite"], catch_exceptions=False, standalone_mode=False)
    assert not (tmp_path / "table.fits").exists()


def test_what_cannot_be_corrected_is_told(made):
    posterior, predictor = Posterior.load(made / "flow.npz"), load(made / "model.keras", backend="keras")
    wave_aa, flux, _ = np.loadtxt(made / "galaxy.txt").T
    without = predictor.predict(wave_aa, flux, None)
    with pytest.raises(InputError, match="samples cannot be corrected: no pixel and no band"):
        posterior.sample(predictor, without, 200, correct=True)
    with pytest.raises(TrainingDataError, match="two is a mixture of worlds: parameters can be sampled in one world"):
        ParameterCoordinates(RECIPE | {"worlds": [{"name": "a", "weight": 1.0}]}, 0)
    posterior.coordinates = None
    with pytest.raises(InputError, match="train the posteriors of them"):
        posterior.check_correctable(True)


def test_normal_deviates_go_there_and_back():
    probability = np.array([1e-9, 0.01, 0.5, 0.9999])
    np.testing.assert_allclose(probabilities(normal_deviates(probability)), probability, rtol=1e-9)
    assert np.isfinite(normal_deviates(np.array([0.0, 1.0]))).all()


def test_flows_of_parameters_are_those_of_the_format_before(made, tmp_path):
    with np.load(made / "flow.npz") as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays["about"])) | {"format": 1}
    np.savez(tmp_path / "before.npz", **{**arrays, "about": np.array(json.dumps(about))})
    now, before = (Posterior.load(path) for path in (made / "flow.npz", tmp_path / "before.npz"))
    features = np.zeros((1, now.context_mean.size))
    np.testing.assert_array_equal(now.sample_points(features, 5, 1), before.sample_points(features, 5, 1))
