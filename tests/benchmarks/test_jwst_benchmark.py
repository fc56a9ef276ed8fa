"""The benchmark of the JWST bands, run small on a made-up library: the same galaxies twice, and figures that fit."""

import numpy as np
import pytest
import yaml
from miniature import infrared_library, miniature_recipe

import sfhsim
from sfhsim.libraries import save_library

BANDS = ("HST/WFC3_UVIS.F555W", "HST/WFC3_UVIS.F814W", "JWST/NIRCam.F335M", "JWST/MIRI.F2100W")
OPTIONS = {"filters": [4, 8], "kernels": [16, 4], "strides": [16, 8], "spectrum_units": 8, "decoder_units": [8]}


@pytest.fixture
def jwst(pytestconfig, monkeypatch):
    """The module `benchmarks.jwst` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import jwst, training

    monkeypatch.setattr(training, "_SLICE_S", 0.2)
    return jwst


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(infrared_library(), tmp_path / "home" / "libraries" / "infrared")
    content = miniature_recipe(library="infrared", photometry={"filters": list(BANDS), "error_mag": 0.1})
    content["dust"]["emission"] = {"model": "draine_li_2007", "u_min": 2.0}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.slow
def test_figures_with_and_without_the_bands(jwst, recipe, tmp_path):
    summary = jwst.compare(
        tmp_path / "kept",
        None,
        2400,
        recipe=recipe,
        epochs=2,
        steps_per_epoch=10,
        batch_size=64,
        architecture_options=OPTIONS,
        augmentation=False,
    )
    assert summary["steps"] == 20
    with_bands, without = (summary["networks"][name] for name in ("with", "without"))
    assert with_bands["parameters"] == without["parameters"]
    scatter = [network["summaries"]["a_v_mag"]["scatter"] for network in (with_bands, without)]
    assert summary["with_over_without"]["a_v_mag"] == pytest.approx(scatter[0] / scatter[1])
    assert scatter[0] != scatter[1]
    manifests = [sfhsim.Dataset(tmp_path / "kept" / name / "dataset").manifest for name in summary["networks"]]
    assert [manifest["recipe"]["name"] for manifest in manifests] == ["small", "small-blind"]


@pytest.mark.slow
def test_galaxies_that_differ_are_noticed(jwst, recipe, tmp_path):
    for name, seed in (("a", 1), ("b", 2)):
        sfhsim.generate_dataset(recipe, 100, tmp_path / name, seed=seed, workers=1)
    with pytest.raises(AssertionError, match="train galaxies differ"):
        jwst.check_same_galaxies(tmp_path / "a", tmp_path / "b")
    with pytest.raises(AssertionError, match="no band is missing"):
        jwst.check_same_galaxies(tmp_path / "a", tmp_path / "a")


def test_rates_of_two_recipes_in_turns(jwst, recipe):
    figures = jwst.throughput(0.2, rounds=2, batch=64, recipes=(recipe, recipe))
    assert set(figures["per_s"]) == {"small"}
    assert figures["per_s"]["small"] > 0.0
    assert 0.0 < figures["ratio"] < np.inf  # how large is for the benchmark to say
