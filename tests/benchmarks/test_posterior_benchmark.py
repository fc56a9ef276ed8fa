"""The rows of the benchmark of posteriors: right samples pass, wrong ones do not."""

import numpy as np
import pytest


@pytest.fixture
def benchmark(pytestconfig, monkeypatch):
    """The module `benchmarks.posterior` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import posterior

    return posterior


def test_rows_tell_right_samples_from_wrong_ones(benchmark, capsys):
    random = np.random.default_rng(0)
    n, n_sample, edges = 1500, 99, np.array([0.0, 1e8, 1e9, 1.3e10])
    fraction = random.dirichlet([1.0, 2.0, 3.0], (n, n_sample + 1))  # the prior is the posterior of no data
    scalars = random.normal(size=(n, n_sample + 1, 3))
    scalars[:, 1:, 1] *= 0.6  # too narrow
    found = {"mass_fraction": fraction[:, 0], "scalars": scalars[:, 0]}
    rows = benchmark.measured(found, fraction[:, 1:], scalars[:, 1:], edges)
    by_name = {row["quantity"]: row for row in rows}
    for name in ("log10_t50_yr", "mean_log10_age_yr", "ssfr_0_100myr", "log10_metallicity_mass"):
        assert by_name[name]["p"] > 1e-3
        assert by_name[name]["in 68%"] == pytest.approx(0.68, abs=0.05)
    assert by_name["log10_metallicity_light"]["p"] < 1e-6
    assert by_name["log10_metallicity_light"]["in 68%"] < 0.55
    benchmark.print_rows(rows)
    assert "ssfr_0_1gyr" in capsys.readouterr().out
