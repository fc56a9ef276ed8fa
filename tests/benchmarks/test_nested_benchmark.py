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
    cost = dict.fromkeys(("effective_samples", "renewed", "cpu_s", "likelihoods"), 5.0)
    theirs = cost | {name: [1.0, 3.0, 5.0] for name in benchmark.SUMMARIES}
    near = cost | {name: [1.0, 3.1, 5.0] for name in benchmark.SUMMARIES}
    far = cost | {name: [1.0, 2.4, 5.8] for name in benchmark.SUMMARIES}
    rows = [benchmark.compared(0, near, theirs), benchmark.compared(1, far, theirs, near)]
    benchmark.print_row(rows[1])
    benchmark.print_summary(rows)
    words = " ".join(capsys.readouterr().out.split())
    assert "off -0.30, width 1.20" in words
    assert "log10_metallicity_mass 0.22 0.30 1.10 1.00 1.20" in words
    assert "a_v_mag again 0.05 0.05 1.00 1.00 1.00" in words


@pytest.mark.filterwarnings("ignore")
def test_nested_sampling_of_a_known_posterior(benchmark):
    """Two kinds of history, of different prior; only the second has a third coordinate."""
    pytest.importorskip("nautilus", reason="nested sampling needs the extra bench")

    class Two:
        family_share = np.array([0.25, 0.75])

        def __len__(self):
            return 4

        def family(self, points):
            return (points[:, 0] > 0.25).astype(int)

        def decides(self, family):
            return np.array([False, True, True, family == 1])

    class Likelihood:
        cube = Two()

        def __call__(self, points):
            log_density = -0.5 * (((points[:, 1:3] - [0.3, 0.6]) / [0.05, 0.1]) ** 2).sum(axis=1)
            third = -0.5 * ((points[:, 3] - 0.5) / 0.04) ** 2
            return log_density + np.where(self.cube.family(points) == 1, third, 0.0)

    found = benchmark.nested(Likelihood(), 300, 1)
    second = 0.75 * 0.04 * np.sqrt(2.0 * np.pi)
    evidence = (0.25 + second) * 2.0 * np.pi * 0.05 * 0.1
    assert np.logaddexp.reduce(found.log_evidence) == pytest.approx(np.log(evidence), abs=0.05)
    weight = np.exp(found.log_evidence - np.logaddexp.reduce(found.log_evidence))
    assert weight[found.points[:, 0] > 0.25].sum() == pytest.approx(second / (0.25 + second), abs=0.02)
    mean = weight @ found.points[:, 1:3]
    np.testing.assert_allclose(mean, [0.3, 0.6], atol=0.01)
    np.testing.assert_allclose(np.sqrt(weight @ (found.points[:, 1:3] - mean) ** 2), [0.05, 0.1], rtol=0.08)
    assert found.likelihoods >= 1000
