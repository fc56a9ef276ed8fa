"""The benchmark of corrected samples against nested sampling: its statistics, and nested sampling itself."""

import numpy as np
import pytest


@pytest.fixture
def benchmark(pytestconfig, monkeypatch):
    """The module `benchmarks.nested` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import nested

    return nested


def test_quantiles_of_weighted_samples(benchmark):
    random = np.random.default_rng(0)
    values = random.uniform(size=40_000)
    found = benchmark.weighted_quantiles(values, 2.0 * values / (2.0 * values).sum(), (0.25, 0.64))
    np.testing.assert_allclose(found, [0.5, 0.8], atol=0.01)


def test_a_summary_tells_the_worst(benchmark, capsys):
    rows = [
        {
            "galaxy": k,
            **{name: {"off": off, "width": width} for name in benchmark.SUMMARIES},
            **dict.fromkeys(("effective", "seconds", "seconds_nested", "likelihoods"), 5.0),
        }
        for k, (off, width) in enumerate([(0.05, 1.0), (-0.3, 1.2)])
    ]
    benchmark.print_row(rows[1])
    benchmark.print_summary(rows)
    shown = capsys.readouterr().out
    assert "off -0.30, width 1.20" in shown
    assert "0.22    0.30        1.10   1.00   1.20" in shown


@pytest.mark.filterwarnings("ignore")
def test_nested_sampling_of_a_known_posterior(benchmark):
    pytest.importorskip("nautilus", reason="nested sampling needs the extra bench")

    class Square:
        def __len__(self):
            return 2

    class Likelihood:
        cube = Square()

        def __call__(self, points):
            return -0.5 * (((points - [0.3, 0.6]) / [0.05, 0.1]) ** 2).sum(axis=1)

    points, weight, count = benchmark.nested(Likelihood(), 300, 1000, 1)
    mean = weight @ points
    np.testing.assert_allclose(mean, [0.3, 0.6], atol=0.02)
    np.testing.assert_allclose(np.sqrt(weight @ (points - mean) ** 2), [0.05, 0.1], rtol=0.15)
    assert count >= 1000
