"""The comparison with ProSpect, on two of the reference cases; and its summary."""

import json

import numpy as np
import pytest

REFERENCE = "prospect_reference/fine_lines.npz"


@pytest.fixture
def prospect(pytestconfig, monkeypatch):
    """The module `benchmarks.prospect` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import prospect

    return prospect


@pytest.mark.reference_data
@pytest.mark.download
@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
def test_two_cases_agree(prospect, reference_data, download_cache, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SFHSIM_LKL10", str(reference_data / "lkl10"))
    summary = prospect.run(reference_data / REFERENCE, plot=tmp_path / "worst.png", limit=2)
    assert summary["cases"] == 2
    assert summary["stellar_rms_max"] <= 3e-4
    assert summary["flux_rms_max"] <= 2.5e-3
    assert summary["mag_abs_max"] <= 0.005
    assert summary["mass_rel_max"] <= 1e-6
    assert summary["metallicity_abs_max"] <= 1e-6
    assert (tmp_path / "worst.png").read_bytes().startswith(b"\x89PNG")
    assert '"flux_rms_max"' in capsys.readouterr().out


def test_the_summary_is_of_medians_and_maxima(prospect):
    names = ("stellar_rms", "flux_rms", "mag_abs", "mass_rel", "metallicity_abs", "seconds", "prospect_seconds")
    rows = [dict.fromkeys(names, value) for value in (1.0, 2.0, 6.0)]
    summary = prospect.summarise(rows)
    assert json.loads(json.dumps(summary)) == summary
    assert set(summary) == {
        "cases", "stellar_rms_median", "stellar_rms_max", "flux_rms_median", "flux_rms_max", "mag_abs_max",
        "mass_rel_max", "metallicity_abs_max", "prospect_seconds_median", "ours_seconds_median",
    }  # fmt: skip
    assert summary["cases"] == 3
    for name in ("stellar_rms", "flux_rms"):
        assert (summary[f"{name}_median"], summary[f"{name}_max"]) == (2.0, 6.0)


@pytest.mark.reference_data
def test_every_case_has_a_recipe(prospect, reference_data):
    from miniature import miniature_library

    from sfhsim.recipe.loading import recipe_from_dict

    with np.load(reference_data / REFERENCE) as stored:
        cases, wave_aa = json.loads(str(stored["cases_json"])), stored["wavelength"]
    for case in cases:
        recipe = recipe_from_dict(prospect.case_recipe(case, wave_aa, ["HST/WFC3_UVIS.F555W"], miniature_library()))
        assert recipe.discretisation == "prospect"
        np.testing.assert_allclose(recipe.spectrum.wave_aa, wave_aa, rtol=1e-12)
