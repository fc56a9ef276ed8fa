"""Labelled galaxies in an npz file: what is read, in which order it is learnt, what is refused; a transfer to them."""

import numpy as np
import pytest
from small_model import description, inputs_and_truths, small_model

from sfhmodel import load
from sfhmodel.calibration import calibrate
from sfhmodel.data.labelled import LabelledFile
from sfhmodel.description import NEEDED_TRUTHS
from sfhmodel.errors import ConfigError, TrainingDataError
from sfhmodel.targets import targets_from_truths
from sfhmodel.training import config_from_dict, recalibrate, train

N = 330


def content(n: int = N, **changes) -> dict:
    """Arrays of galaxies of the small description."""
    made = description()
    inputs, truths = inputs_and_truths(n, seed=4)
    columns = dict(zip(NEEDED_TRUTHS, truths["truth"].T, strict=True))
    fraction = columns.pop("sfr_100myr_msun_yr") * 1e8 / columns.pop("total_mass_msun")
    arrays = {
        "wavelength_aa": made.wave_aa,
        "age_bin_edges_yr": made.age_bin_edges_yr,
        "bands": np.array(made.band_names),
        "mass_fraction_100myr": fraction,
        **{name: truths[name] for name in ("mass_fraction", "metallicity")},
        **{name: inputs[name] for name in ("flux", "flux_error", "magnitudes", "magnitude_errors")},
        **columns,
    }
    return {name: values for name, values in (arrays | changes).items() if values is not None}


@pytest.fixture
def written(tmp_path):
    """Function that writes such a file."""

    def write(n: int = N, **changes):
        np.savez(tmp_path / "labelled.npz", **content(n, **changes))
        return tmp_path / "labelled.npz"

    return write


def test_inputs_and_labels_are_those_of_the_file(written):
    file = LabelledFile(written())
    inputs, truths = inputs_and_truths(N, seed=4)
    found_inputs, found_truths = file.batch(np.arange(N))
    for name in ("flux", "flux_error", "mask", "magnitudes", "magnitude_errors"):
        np.testing.assert_array_equal(found_inputs[name], inputs[name])
    expected, found = (targets_from_truths(each, NEEDED_TRUTHS) for each in (truths, found_truths))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)
    file.description.check_same(description())


def test_what_is_not_known_is_missing(written):
    flux = content()["flux"].copy()
    flux[3, 5] = np.nan
    file = LabelledFile(written(flux=flux, flux_error=None, bands=None, magnitudes=None, magnitude_errors=None))
    inputs, _ = file.batch(np.arange(N))
    assert file.description.n_band == 0
    assert np.isnan(inputs["flux_error"]).all()
    assert (inputs["mask"] == 0.0).sum() == 1
    assert inputs["mask"][3, 5] == inputs["flux"][3, 5] == 0.0


def test_parts_and_order(written):
    file = LabelledFile(written(30))
    train_places, validation = file.places("train"), file.places("validation")
    assert (train_places.size, validation.size) == (20, 10)
    assert sorted([*train_places, *validation]) == list(range(30))
    of_flux = {row.tobytes(): k for k, row in enumerate(file.batch(np.arange(30))[0]["flux"])}

    def places(start, count):
        stream = file.endless(6, 1, start)
        return [[of_flux[row.tobytes()] for row in next(stream)[0]["flux"]] for _ in range(count)]

    whole = places(0, 7)
    assert places(4, 3) == whole[4:]
    for k in (0, 3):  # three batches of six in a pass
        seen = [place for batch in whole[k : k + 3] for place in batch]
        assert len(set(seen)) == 18
        assert set(seen) <= set(train_places)
    assert whole[0] != whole[3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a_v_mag": None}, "has no a_v_mag: labelled galaxies need wavelength_aa, flux"),
        (
            {"wavelength_aa": np.linspace(7000.0, 4800.0, 160)},
            "wavelength_aa must be one row of numbers.*that increase",
        ),
        ({"flux": np.ones((N, 9))}, r"flux holds float64 of shape \(330, 9\), need numbers of shape \(330, 160\)"),
        ({"bands": np.array(["a"])}, r"magnitudes holds float32 of shape \(330, 3\), need numbers of shape \(330, 1\)"),
        ({"mass_fraction": np.ones((N, 6))}, "mass_fraction of galaxies 0, 1, 2, 3, 4 are not finite, .* sum of 1"),
        ({"metallicity": np.full((N, 6), -1.0)}, "metallicity of galaxies 0, 1, .* are not finite numbers that can be"),
        ({"a_v_mag": np.full(N, np.nan)}, "a_v_mag of galaxies 0, 1"),
        ({"mask": np.zeros((N, 160))}, "a spectrum has no pixel that can be used"),
        (content(2), "has 2 galaxies, at least 3 are needed"),
    ],
)
def test_what_is_refused(written, changes, message):
    with pytest.raises(TrainingDataError, match=message):
        LabelledFile(written(**changes))


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(TrainingDataError, match="bad.npz is damaged or no npz file"):
        LabelledFile(tmp_path / "bad.npz")


def test_fine_tuned_and_recalibrated_on_labelled_galaxies(written, tmp_path):
    model = small_model("branched")
    calibrate(model, [tuple(inputs_and_truths(200, seed=1))])
    model.save(tmp_path / "source.keras")
    path = written()
    found = recalibrate(tmp_path / "source.keras", path, tmp_path / "new.keras")
    assert found["n"] == 110
    assert (
        "set on 110 galaxies of labelled (validation)" in load(tmp_path / "new.keras").description.calibration["said"]
    )
    with pytest.raises(ConfigError, match="has no split 'test'"):
        recalibrate(tmp_path / "source.keras", path, tmp_path / "other.keras", split="test")
    config = {"epochs": 1, "steps_per_epoch": 2, "augmentation": False, "jit_compile": False}
    summary = train(
        path, tmp_path / "run", config_from_dict(config | {"transfer": {"source": str(tmp_path / "source.keras")}})
    )
    assert summary["transfer"]["carried"] == summary["transfer"]["parameters"]
    assert summary["calibration"]["n"] == 110
