"""The training benchmark, run small on a made-up library: what it reports, and that it agrees with the report.

Nothing is held against the bars of the real benchmark here.
"""

import json

import numpy as np
import pytest
import yaml
from miniature import miniature_library, miniature_recipe

from sfhsim.libraries import save_library


@pytest.fixture
def training(pytestconfig, monkeypatch):
    """The module `benchmarks.training` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import training

    monkeypatch.setattr(training, "_SLICE_S", 0.2)
    return training


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    save_library(miniature_library(), tmp_path / "home" / "libraries" / "miniature")
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(miniature_recipe()))
    return str(path)


@pytest.mark.slow
def test_figures_of_a_small_training(training, recipe, tmp_path):
    options = {"filters": [4, 8], "kernels": [16, 4], "strides": [16, 8], "spectrum_units": 8, "decoder_units": [8]}
    summary = training.run(
        tmp_path / "kept",
        None,
        2400,
        recipe=recipe,
        architectures=["branched"],
        epochs=2,
        batch_size=64,
        architecture_options=options,
        augmentation=False,
    )
    figures = json.loads(json.dumps(summary))["architectures"]["branched"]
    rates = ("training_per_s", "inference_per_s")
    assert all(figures[name] > 0.0 for name in rates)
    assert summary["input_pipeline_per_s"] > 0.0
    assert figures["ratio"] == pytest.approx(figures["cumulative_error"] / figures["prior_mean_cumulative_error"])
    assert 0.0 < figures["coverage_68_summaries"] < 1.0
    report = json.loads((tmp_path / "kept" / "branched-report" / "metrics.json").read_text())
    assert figures["prior_mean_cumulative_error"] == pytest.approx(report["prior_mean_cumulative_error"], rel=1e-3)
    assert set(figures["summaries"]) == set(report["summaries"])


def test_spread_and_coverage_by_hand(training):
    residuals = np.array([0.9, 1.0, 1.1, 1.0, 9.0])
    spread = training._spread(residuals)
    assert spread["bias"] == pytest.approx(1.0)
    assert spread["scatter"] == pytest.approx(1.4826 * 0.1)
    quantiles = np.array([[[-2.0, -1.0, 0.0, 1.0, 2.0]]] * 4)
    assert training._coverage(quantiles, np.array([[-1.5], [-1.0], [0.5], [3.0]])) == 0.5
