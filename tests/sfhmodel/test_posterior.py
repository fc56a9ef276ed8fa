"""Posteriors of a small model from training to samples in a file, and what stops them."""

import inspect
import json
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from training_runs import small_config, small_dataset
from typer.testing import CliRunner

from sfhmodel.calibration import calibrate
from sfhmodel.cli import posterior as posterior_commands
from sfhmodel.cli.main import app
from sfhmodel.data import TrainingData
from sfhmodel.errors import ConfigError, InputError, ModelFileError, TrainingDataError
from sfhmodel.inference import load
from sfhmodel.posterior import FlowConfig, Posterior, PosteriorSamples, flow_config, train_posterior
from sfhmodel.posterior.samples import window_yr
from sfhmodel.posterior.training import galaxies
from sfhmodel.training.finish import new_model
from sfhmodel.training.sources import open_source

SMALL = FlowConfig(couplings=2, hidden=16, bins=4, steps=120, batch_size=20, learning_rate=5e-3)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder with a data set and a model that has its constants, though it learnt nothing."""
    folder = tmp_path_factory.mktemp("posterior")
    source = open_source(small_dataset(folder / "dataset"))
    model = new_model(small_config(), source)
    model.fit_normalization(source.sample(small_config()))
    calibrate(model, source.validation(64, None))
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="module")
def flow(made):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sfhmodel.posterior.training._FEWEST", 100)
        train_posterior(made / "model.keras", made / "dataset", made / "flow.npz", SMALL)
    return made / "flow.npz"


def test_training_raises_the_likelihood_and_leaves_one_file(flow, made):
    trained, untrained = Posterior.load(flow), Posterior.load(flow)
    assert not list(made.glob("*.resume"))
    untrained.flow = type(trained.flow)(trained.coordinates.n, trained.context_mean.size, **SMALL.flow)
    model, data = load(made / "model.keras", backend="keras").model, TrainingData(made / "dataset")
    held = galaxies(model, data, "validation", 128)
    points = {
        "points": trained.coordinates.points(held["mass_fraction"], held["scalars"], 1),
        "context": trained.context(held["features"]),
    }
    before, after = (float(-np.mean(each.flow(points))) for each in (untrained, trained))
    assert after < before - 0.1
    assert after == pytest.approx(trained.about["nll"], rel=1e-4)
    with pytest.raises(ConfigError, match="exists"):
        train_posterior(made / "model.keras", made / "dataset", flow, SMALL)


def test_an_interrupted_training_goes_on_and_another_one_does_not(made, tmp_path, monkeypatch):
    import keras

    out, epochs = tmp_path / "flow.npz", []

    class Interrupting(keras.callbacks.TerminateOnNaN):
        def on_epoch_end(self, epoch, logs=None):
            epochs.append(epoch)
            if len(epochs) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr("sfhmodel.posterior.training._FEWEST", 100)
    monkeypatch.setattr(keras.callbacks, "TerminateOnNaN", Interrupting)
    arguments = made / "model.keras", made / "dataset", out
    with pytest.raises(KeyboardInterrupt):
        train_posterior(*arguments, SMALL)
    assert not out.exists()
    with pytest.raises(ConfigError, match="is of another training"):
        train_posterior(*arguments, SMALL.model_copy(update={"seed": 3}))
    monkeypatch.setattr("sfhmodel.posterior.training.galaxies", None)  # their features were kept
    train_posterior(*arguments, SMALL)
    assert epochs[3] in (2, 3)  # not from the start
    assert epochs[-1] == 14
    assert out.is_file()
    assert not list(tmp_path.glob("*.resume"))


def test_models_that_were_trained_on_parts_are_shown_parts(made):
    model, data = load(made / "model.keras", backend="keras").model, TrainingData(made / "dataset")
    whole = galaxies(model, data, "validation", 60)
    model.description = replace(model.description, min_coverage=0.3)
    parts = galaxies(model, data, "validation", 60)
    same = (whole["features"] == parts["features"]).all(axis=1)
    assert same[::3].all()  # one in three is whole
    assert 0 < same.sum() < 30
    np.testing.assert_array_equal(whole["sample_id"], parts["sample_id"])
    np.testing.assert_array_equal(whole["mass_fraction"], parts["mass_fraction"])


def test_samples_of_a_prediction_are_histories_and_the_same_again(flow, made):
    posterior, predictor = Posterior.load(flow), load(made / "model.keras", backend="keras")
    wave_aa = predictor.description.wave_aa
    flux = 1.0 + 0.1 * np.sin(np.arange(3)[:, None] + wave_aa / 30.0)
    prediction = predictor.predict(wave_aa, flux, 0.05 * flux)
    found = posterior.sample(predictor, prediction, n=50, seed=7)
    n_age_bin = predictor.description.n_age_bin
    assert found.mass_fraction.shape == (3, 50, n_age_bin)
    np.testing.assert_allclose(found.mass_fraction.sum(axis=-1), 1.0, rtol=1e-9)
    assert (found.a_v_mag >= 0.0).all()
    assert found.log10_metallicity_mass.std() > 0.0
    again = posterior.sample(predictor.model, prediction, n=50, seed=7)
    assert np.array_equal(found.mass_fraction, again.mass_fraction)
    assert not np.array_equal(found.mass_fraction, posterior.sample(predictor, prediction, 50, 8).mass_fraction)
    with pytest.raises(InputError, match="keep_inputs=True"):
        posterior.sample(predictor, prediction.without_inputs(), 5)
    with pytest.raises(InputError, match="at least one"):
        posterior.sample(predictor, prediction, 0)


def test_the_commands_from_a_data_set_to_samples_of_files(made, flow, tmp_path, monkeypatch):
    monkeypatch.setattr("sfhmodel.posterior.training._FEWEST", 100)
    model, run = str(made / "model.keras"), CliRunner().invoke
    trained = run(
        app,
        ["posterior", "train", model, str(made / "dataset"), "--out", str(tmp_path / "f.npz"), "--steps", "5"],
    )
    assert trained.exit_code == 0, trained.output
    assert "negative log likelihood" in trained.output
    wave_aa = load(model).description.wave_aa
    np.savetxt(tmp_path / "a.txt", np.array([wave_aa, 1.0 + 0.1 * np.sin(wave_aa / 9.0), np.full(wave_aa.size, 0.1)]).T)
    (tmp_path / "bad.txt").write_text("nothing\n")
    out = tmp_path / "samples.fits"
    command = ["posterior", "sample", model, str(flow), str(tmp_path / "a.txt"), str(tmp_path / "bad.txt")]
    command += ["--out", str(out), "--samples", "30", "--sfr-window", "0-100Myr"]
    found = run(app, command)
    assert found.exit_code == 1, found.output  # one file is bad, and named
    assert "bad.txt" in found.output
    with fits.open(out) as hdus:
        assert hdus["MASS_FRACTION"].data.shape[:2] == (1, 30)
        assert hdus["A_V_MAG"].header["BUNIT"] == "mag"
        table = hdus["QUANTITIES"].data
        assert table["log10_t50_yr_lo"][0] <= table["log10_t50_yr"][0] <= table["log10_t50_yr_hi"][0]
        assert hdus["QUANTITIES"].columns["ssfr_0_100myr"].unit == "yr-1"
    with pytest.raises(ConfigError, match="exists"):
        run(app, command, catch_exceptions=False, standalone_mode=False)


def test_the_command_trains_as_the_function_does_where_nothing_is_said():
    said = inspect.signature(posterior_commands.train).parameters
    shared = set(said) & set(FlowConfig.model_fields)
    assert shared == {"of", "steps", "records", "batch_size", "learning_rate", "couplings", "seed"}
    assert {name: said[name].default for name in shared} == {name: getattr(FlowConfig(), name) for name in shared}


def test_what_cannot_be_is_told(made, flow, tmp_path):
    posterior = Posterior.load(flow)
    (tmp_path / "other.keras").write_bytes(b"other")
    with pytest.raises(ModelFileError, match="belong to another model"):
        posterior.check_of(tmp_path / "other.keras")
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    with pytest.raises(ModelFileError, match="holds no posteriors"):
        Posterior.load(tmp_path / "bad.npz")
    with np.load(flow) as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays["about"]))
    for number, what in ((99, "update sfhmodel"), (1, "train them again")):
        np.savez(tmp_path / "other.npz", **{**arrays, "about": np.array(json.dumps(about | {"format": number}))})
        with pytest.raises(ModelFileError, match=f"holds posteriors of format {number}, .*: {what}"):
            Posterior.load(tmp_path / "other.npz")
    with pytest.raises(TrainingDataError, match="160 galaxies to learn from, 200 are needed"):
        train_posterior(made / "model.keras", made / "dataset", tmp_path / "flow.npz", SMALL)
    assert not list(tmp_path.glob("flow.npz*"))
    with pytest.raises(ConfigError, match="learning_rate: .*greater than 0, got 0"):
        flow_config(learning_rate=0.0)


def _samples(fraction, edges):
    flat = np.zeros(fraction.shape[:2])
    return PosteriorSamples(("aé",) * len(fraction), np.array(edges), fraction, flat - 2.0, flat - 2.0, flat)


def test_times_and_rates_of_a_known_history(tmp_path):
    # a quarter of the mass in the last Gyr, the rest even from 1 to 4 Gyr ago
    found = _samples(np.array([[[0.25, 0.75]]]), [0.0, 1e9, 4e9])
    assert found.formation_time_yr(0.5)[0, 0] == pytest.approx(2e9)
    assert found.formation_time_yr(0.9)[0, 0] == pytest.approx(0.4e9)
    assert found.window_fraction(0.0, 2e9)[0, 0] == pytest.approx(0.5)
    unit, rate = found.quantities(["0-100Myr"])["ssfr_0_100myr"]
    assert (unit, rate[0, 0]) == ("yr-1", pytest.approx(0.025 / 1e8))
    found.write(tmp_path / "samples.fits")
    with fits.open(tmp_path / "samples.fits") as hdus:
        assert hdus["QUANTITIES"].data["name"][0] == "a?"
        assert list(hdus["AGE_BINS"].data["old_yr"]) == [1e9, 4e9]
    old = _samples(np.array([[[0.0, 1.0]]]), [0.0, 1e9, 4e9])
    assert old.formation_time_yr(0.999)[0, 0] == pytest.approx(1e9, rel=0.01)
    with pytest.raises(InputError, match="the age bins are from 0 to 4e"):
        found.window_fraction(0.0, 5e9)
    with pytest.raises(InputError, match="between 0 and 1"):
        found.formation_time_yr(1.0)
    assert window_yr("1-2.5Gyr") == (1e9, 2.5e9)
    for wrong in ("100Myr", "2-1Gyr", "0-1 parsec", "1e-1e-2Gyr"):
        with pytest.raises(InputError, match="write it as 0-100Myr"):
            window_yr(wrong)
