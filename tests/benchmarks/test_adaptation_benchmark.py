"""The table of the benchmark of adaptations, and what it says of latents and of real spectra."""

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture
def benchmark(pytestconfig, monkeypatch):
    """The module `benchmarks.adaptation` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import adaptation

    return adaptation


def cell(method, seed, ratio, world="there"):
    others = ("coverage_cumulative", "coverage_metallicity", "coverage_summaries", "flagged", "own_ratio", "auc")
    return {"world": world, "seed": seed, "method": method, "ratio": ratio, **dict.fromkeys(others, 0.5)}


def test_what_is_closed_is_of_each_seeds_own_gap(benchmark, capsys):
    rows = [cell("source", 0, 0.7), cell("oracle", 0, 0.5), cell("default", 0, 0.6)]
    rows += [cell("source", 1, 0.8), cell("oracle", 1, 0.4), cell("default", 1, 0.9)]
    made = {row["method"]: row for row in benchmark.table(rows)}
    assert made["source"]["closed"] == 0.0
    assert made["oracle"]["closed"] == 1.0
    assert made["default"]["closed"] == pytest.approx((0.5 - 0.25) / 2)
    assert made["default"]["least_closed"] == pytest.approx(-0.25)
    assert made["default"]["ratio"] == pytest.approx(0.75)
    assert made["default"]["seeds"] == 2
    benchmark.print_table(list(made.values()))
    assert "-25%" in capsys.readouterr().out


def test_recipes_are_of_the_worlds_named_and_share_their_metallicities(benchmark):
    found = benchmark.recipes()
    assert set(found) == {benchmark.SOURCE, *benchmark.TARGETS}
    assert {recipe["library"] for recipe in found.values()} == {"bc03-miles", "emiles-spliced", "m11-miles-spliced"}
    assert all(recipe["metallicity"] == benchmark.METALLICITY for recipe in found.values())
    assert found["emiles, other prior"]["histories"] != found["emiles levesque"]["histories"]


def test_every_method_is_a_config(benchmark):
    from sfhmodel.adaptation import adaptation_config

    for name, changes in benchmark.METHODS.items():
        assert adaptation_config(benchmark.ADAPTATION | changes).terms["supervised"] == 1.0, name


def test_latents_that_differ_are_told_apart(benchmark):
    random = np.random.default_rng(0)
    one, same, moved = (random.normal(size=(4000, 5)) + shift for shift in (0.0, 0.0, 1.0))
    assert benchmark.auc(one, same) == pytest.approx(0.5, abs=0.04)
    assert benchmark.auc(one, moved) > 0.9


def test_differences_of_pairs_are_in_units_of_their_errors(benchmark):
    random = np.random.default_rng(1)
    middle = random.normal(0.0, 0.3, (400, 2))
    quantiles = np.stack([middle - 0.3, middle, middle + 0.3], axis=-1)
    found = SimpleNamespace(summary_quantiles=quantiles, level=(0.16, 0.5, 0.84).index)
    pairs = [(2 * k, 2 * k + 1) for k in range(200)]
    assert benchmark.difference_sigma(found, pairs) == pytest.approx(1.0, abs=0.1)
