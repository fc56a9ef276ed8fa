"""The benchmark on ProSpect's own galaxies: its truths, its noise, its rows."""

import argparse
import types

import numpy as np
import pytest

REFERENCE = "prospect_reference/fine_lines.npz"
AGES_YR = np.array([1e6, 1e7, 1e8, 1e9, 1e10])


@pytest.fixture
def benchmark(pytestconfig, monkeypatch):
    """The module `benchmarks.prospect_galaxies` of the checkout."""
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    from benchmarks import prospect_galaxies

    return prospect_galaxies


def test_truths_of_a_history_of_two_templates(benchmark):
    reference = {
        "a/mass_formed": np.array([0.0, 0.0, 1.0, 3.0]),  # the last template is older than the universe
        "a/metallicity_history": np.array([0.05, 0.05, 0.02, 0.004]),
    }
    fractions, (age, z) = benchmark.truth({"id": "a"}, reference, np.array([0.0, 5e7, 5.5e8, 1e9, 5.5e9]), AGES_YR)
    # edges of the templates are midway: 5.5e7, 5.5e8, 5.5e9 yr
    np.testing.assert_allclose(fractions, [0.0, 0.25, 0.75 * 4.5e8 / 4.95e9, 0.75 * 4.5e9 / 4.95e9], atol=1e-12)
    assert age == pytest.approx((8 + 3 * 9) / 4)
    assert z == pytest.approx(np.log10((0.02 + 3 * 0.004) / 4))


@pytest.mark.reference_data
def test_rows_of_a_predictor_that_knows_the_truth(benchmark, reference_data):
    edges_yr = np.geomspace(1e6, 1.4e10, 9)
    edges_yr[0] = 0.0
    ages = dict.fromkeys(("bc03", "emiles"), np.geomspace(1e6, 1.5e10, 400))
    known = benchmark.galaxies(reference_data / REFERENCE, edges_yr, ages)
    assert known.flux.shape == (40, 1761)
    options = argparse.Namespace(snr=50.0, draws=2, bands=True)
    rows = benchmark.answer(_Knowing(known), known, options)
    by_name = {row["galaxies"]: row for row in rows}
    assert by_name["bc03"]["n"] + by_name["emiles"]["n"] == 80
    assert by_name["bc03 SFR"]["n"] < by_name["bc03"]["n"]
    for row in rows:
        assert row["cumulative_error"] == pytest.approx(0.0, abs=1e-12)
        assert row["bias"] == pytest.approx([0.1, 0.0])
        assert (row["in_68_cumulative"], row["in_68_age"], row["flagged"]) == (1.0, 0.0, 0.0)


def test_noise_is_as_asked_and_the_same_again(benchmark):
    known = types.SimpleNamespace(flux=np.full((1, 40_000), 3.0), magnitudes=np.full((1, 2), 20.0))
    flux, error, _ = benchmark.noisy(known, snr=30.0, draws=2)
    assert flux.shape == (2, 40_000)
    assert not np.array_equal(flux[0], flux[1])
    np.testing.assert_allclose(error, 0.1)
    assert np.std(flux[0]) == pytest.approx(0.1, rel=0.02)
    assert np.array_equal(flux, benchmark.noisy(known, snr=30.0, draws=2)[0])


class _Knowing:
    """Answers the truth, but for ages 0.1 dex too old with intervals that end above it."""

    def __init__(self, known):
        self._known = known
        self.description = types.SimpleNamespace(
            band_names=("HST/WFC3_UVIS.F275W",),
            summary_names=("mean_log10_age_yr_mass", "log10_metallicity_mass"),
            quantile_levels=(0.16, 0.5, 0.84),
        )

    def predict(self, wave_aa, flux, error, *, magnitudes, magnitude_errors, redshift, resolution_fwhm_aa, on_bad):
        assert flux.shape == error.shape == (80, wave_aa.size)
        assert set(magnitudes) == set(magnitude_errors) == {"HST/WFC3_UVIS.F275W"}
        assert resolution_fwhm_aa.shape == wave_aa.shape
        assert redshift.shape == magnitudes["HST/WFC3_UVIS.F275W"].shape == (80,)
        fractions = np.repeat(self._known.mass_fraction, 2, axis=0)
        summaries = np.repeat(self._known.summaries, 2, axis=0) + np.array([0.1, 0.0])
        cumulative = np.cumsum(fractions, axis=1)[..., None] + [-0.1, 0.0, 0.1]
        return types.SimpleNamespace(
            mass_fraction=fractions,
            summaries=summaries,
            cumulative_quantiles=cumulative,
            summary_quantiles=summaries[..., None] + [-0.05, 0.0, 0.05],
            novelty=np.zeros(80),
            level=self.description.quantile_levels.index,
        )
