"""What a model says of its numbers: made of a manifest, kept through JSON, compared with other data."""

import dataclasses
import json

import numpy as np
import pytest
from keras import ops
from small_model import description, inputs_and_truths

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription
from sfhmodel.errors import TrainingDataError
from sfhmodel.targets import from_target_space, one_sided, targets_from_truths, to_target_space, within_limits


def manifest(**changes) -> dict:
    truths = [{"name": name} for name in ("history_family", *NEEDED_TRUTHS)]
    return {
        "name": "made up",
        "schema_version": 1,
        "manifest_sha256": "abc",
        "recipe": {"name": "r"},
        "library": {"name": "l"},
        "dimensions": {
            "pixel": {"wave_aa": [5000.0, 5001.0, 5002.0]},
            "age_bin": {"edges_yr": [0.0, 1e8, 1e10]},
            "band": [{"name": "X/A", "pivot_wave_aa": 5000.0}],
            "truth": truths,
        },
        **changes,
    }


def test_of_a_manifest():
    made = ModelDescription.from_manifest(manifest())
    assert (made.n_pixel, made.n_age_bin, made.n_band, made.band_names) == (3, 2, 1, ("X/A",))
    assert made.dataset_sha256 == "abc"
    assert made.recipe == {"name": "r"}


def test_survives_json():
    made = description()
    again = ModelDescription.from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.to_dict() == made.to_dict()
    again.check_same(made)


def test_another_schema_version_is_refused():
    with pytest.raises(TrainingDataError, match="'made up' has schema version 7, this sfhmodel reads 1"):
        ModelDescription.from_manifest(manifest(schema_version=7))


def test_missing_truths_are_named():
    known = manifest()
    known["dimensions"]["truth"] = [t for t in known["dimensions"]["truth"] if t["name"] != "a_v_mag"]
    with pytest.raises(TrainingDataError, match="'made up' has no truths a_v_mag"):
        ModelDescription.from_manifest(known)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wave_aa": np.linspace(4800.0, 7000.0, 161)}, "another wavelength grid.*161 values.*the model has 160"),
        ({"wave_aa": np.linspace(4801.0, 7000.0, 160)}, "another wavelength grid.*from 4801"),
        ({"age_bin_edges_yr": np.linspace(0.0, 1e10, 7)}, "another age bin edges"),
        ({"bands": ({"name": "TEST/B1"},)}, "has bands TEST/B1, the model has TEST/B0, TEST/B1, TEST/B2"),
        ({"bands": ()}, "has bands none"),
    ],
)
def test_other_data_are_refused(change, message):
    other = dataclasses.replace(description(), dataset_name="other", **change)
    with pytest.raises(TrainingDataError, match=message):
        description().check_same(other)


def test_targets_by_hand():
    _, truths = inputs_and_truths(5)
    targets = {k: ops.convert_to_numpy(v) for k, v in targets_from_truths(truths, NEEDED_TRUTHS).items()}
    columns = dict(zip(NEEDED_TRUTHS, truths["truth"].T, strict=True))
    expected = [
        columns["mean_log10_age_yr_mass"],
        columns["mean_log10_age_yr_light"],
        np.log10(columns["mean_metallicity_mass"]),
        np.log10(columns["mean_metallicity_light"]),
        columns["a_v_mag"],
        columns["sfr_100myr_msun_yr"] * 1e8 / columns["total_mass_msun"],
    ]
    np.testing.assert_allclose(targets["summaries"], np.stack(expected, axis=1), rtol=1e-5)
    np.testing.assert_allclose(targets["log10_metallicity"], np.log10(truths["metallicity"]), rtol=1e-5)
    np.testing.assert_array_equal(targets["mass_fraction"], truths["mass_fraction"])


def test_bins_without_metals_get_the_floor():
    _, truths = inputs_and_truths(2)
    truths["metallicity"] = np.zeros_like(truths["metallicity"])
    targets = targets_from_truths(truths, NEEDED_TRUTHS)
    np.testing.assert_allclose(ops.convert_to_numpy(targets["log10_metallicity"]), -6.0, rtol=1e-5)


def test_target_space_is_left_as_it_was_entered_and_limits_kept():
    summaries = np.array([[9.9, 9.0, -2.0, -1.9, 0.5, 0.02], [9.9, 9.0, -2.0, -1.9, 0.5, 0.0]], dtype="float32")
    there = ops.convert_to_numpy(to_target_space(summaries))
    assert there[:, 5] == pytest.approx(np.log10([0.0201, 1e-4]), abs=1e-5)
    assert np.array_equal(there[:, :5], summaries[:, :5])
    np.testing.assert_allclose(ops.convert_to_numpy(from_target_space(there)), summaries, atol=1e-6)
    beyond = np.array([9.9, 9.0, -2.0, -1.9, -0.1, 1.2], dtype="float32").reshape(1, 6, 1)
    far = np.full((6, 1), 30.0, dtype="float32")
    limited = ops.convert_to_numpy(within_limits(beyond, far))
    assert limited.ravel().tolist()[4:] == [0.0, 1.0]
    assert np.array_equal(limited[:, :4], beyond[:, :4])


def test_intervals_at_a_limit_keep_their_inner_side():
    quantiles = np.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    at_top = ops.convert_to_numpy(one_sided(quantiles, 0.0, 0.5))
    np.testing.assert_allclose(at_top, [[[0.0, 0.0, 0.5, 0.5, 0.5]]])
    np.testing.assert_allclose(ops.convert_to_numpy(one_sided(quantiles, -9.0, 2.5)), [[[0.5, 1.5, 2.5, 2.5, 2.5]]])
    np.testing.assert_allclose(ops.convert_to_numpy(one_sided(quantiles, 3.5, 9.0)), [[[3.5, 3.5, 3.5, 4.5, 5.5]]])
    np.testing.assert_allclose(ops.convert_to_numpy(one_sided(quantiles, 0.0, 4.5)), [[[1.0, 2.0, 3.0, 4.0, 4.5]]])
