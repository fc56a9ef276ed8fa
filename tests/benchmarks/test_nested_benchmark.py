"""The benchmark of corrected samples against nested sampling: its statistics, and nested sampling itself."""

import numpy as np
import pytest

from sfhmodel.posterior.coordinates import normal_deviates, probabilities
from sfhmodel.posterior.correction import Target
from sfhmodel.posterior.weights import weighted


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
    costs = ("effective", "renewed", "weighted", "log_evidence", "cpu_s", "likelihoods")
    cost = dict.fromkeys(costs, 5.0) | {"ended": True}
    theirs = cost | {name: [1.0, 3.0, 5.0] for name in benchmark.SUMMARIES}
    near = cost | {name: [1.0, 3.1, 5.0] for name in benchmark.SUMMARIES}
    far = cost | {name: [1.0, 2.4, 5.8] for name in benchmark.SUMMARIES}
    ended = [benchmark.compared(0, near, theirs, near), benchmark.compared(1, far, theirs, near, near)]
    cut = benchmark.compared(2, far, theirs | {"ended": False}, far)
    for row in (ended[1], cut):
        benchmark.print_row(row)
    benchmark.print_summary([*ended, cut])
    words = " ".join(capsys.readouterr().out.split())
    assert words.count("(not ended)") == 1
    assert words.count("corrected, nested mean_log10_age_yr -0.30, 1.20") == 1
    assert "corrected, nested log10_metallicity_mass 0.22 0.30 1.10 1.00 1.20" in words
    assert "corrected, weights log10_metallicity_mass 0.20 0.35 1.07 1.00 1.20" in words
    assert "nested, weights a_v_mag 0.05 0.05 1.00 1.00 1.00" in words
    assert "nested again a_v_mag 0.05 0.05 1.00 1.00 1.00" in words


def test_what_is_kept_is_read_back(benchmark, tmp_path):
    points = np.random.default_rng(3).uniform(size=(40, 3))
    benchmark.keep(tmp_path / "galaxy-0.json", {"renewed": 3.0}, [points[:10], points[10:]])
    np.testing.assert_array_equal(benchmark.kept_points(tmp_path / "galaxy-0.json"), points)
    assert benchmark.read_json(tmp_path / "galaxy-0.json") == {"renewed": 3.0}


class Two:
    """Two kinds of history, of different prior; only the second has a third coordinate."""

    family_share = np.array([0.25, 0.75])

    def __len__(self):
        return 4

    def family(self, points):
        return (points[:, 0] > 0.25).astype(int)

    def decides(self, family):
        return np.array([False, True, True, family == 1])


class Likelihood:
    """Whose posterior and evidence are known."""

    cube = Two()
    second = 0.75 * 0.04 * np.sqrt(2.0 * np.pi)
    evidence = (0.25 + second) * 2.0 * np.pi * 0.05 * 0.1

    def __call__(self, points, ids=None):
        log_density = -0.5 * (((points[:, 1:3] - [0.3, 0.6]) / [0.05, 0.1]) ** 2).sum(axis=1)
        third = -0.5 * ((points[:, 3] - 0.5) / 0.04) ** 2
        return log_density + np.where(self.cube.family(points) == 1, third, 0.0)


@pytest.mark.filterwarnings("ignore")
def test_nested_sampling_of_a_known_posterior(benchmark):
    pytest.importorskip("nautilus", reason="nested sampling needs the extra bench")
    found = benchmark.nested(Likelihood(), 300, 1, 1_000_000)
    assert found.ended
    assert found.likelihoods >= 1000
    weight = np.exp(found.log_evidence - np.logaddexp.reduce(found.log_evidence))
    assert_known(found.points, weight, np.logaddexp.reduce(found.log_evidence))


@pytest.mark.filterwarnings("ignore")
def test_nested_sampling_that_is_cut_short_says_so(benchmark):
    pytest.importorskip("nautilus", reason="nested sampling needs the extra bench")
    assert not benchmark.nested(Likelihood(), 300, 1, 1000).ended


def test_weights_mend_samples_that_are_wrong():
    """One set has hardly any of the second kind, the other the wrong widths and places."""
    random = np.random.default_rng(5)

    def samples(of_kind, mean, width):
        kind = np.repeat([0, 1], of_kind)
        points = np.clip(mean + width * random.standard_normal((kind.size, 3)), 0.001, 0.999)
        last = np.where(kind == 0, random.uniform(size=kind.size), points[:, 2])
        return np.c_[np.where(kind == 0, 0.1, 0.6), points[:, :2], last]

    one = samples((1900, 100), [0.3, 0.6, 0.5], [0.05, 0.1, 0.04])
    other = samples((1000, 1000), [0.33, 0.55, 0.52], [0.08, 0.07, 0.06])
    target = Target(Likelihood())
    found = weighted([normal_deviates(one), normal_deviates(other)], target, random=random, **target.how)
    assert found.effective > 2000
    assert_known(probabilities(found.points), found.share, found.log_evidence)


def assert_known(points, weight, log_evidence):
    """Of the posterior of `Likelihood`."""
    assert log_evidence == pytest.approx(np.log(Likelihood.evidence), abs=0.05)
    second = Likelihood.second / (0.25 + Likelihood.second)
    assert weight[points[:, 0] > 0.25].sum() == pytest.approx(second, abs=0.02)
    mean = weight @ points[:, 1:3]
    np.testing.assert_allclose(mean, [0.3, 0.6], atol=0.01)
    np.testing.assert_allclose(np.sqrt(weight @ (points[:, 1:3] - mean) ** 2), [0.05, 0.1], rtol=0.08)
