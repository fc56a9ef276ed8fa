"""Unit and formula of every metric, for the JSON and the page. Symbols as in `sfhmodel.evaluation.statistics`."""

from __future__ import annotations

# name: (unit, formula)
CONVENTIONS = {
    "cumulative_error": (
        "1",
        (
            "mean over galaxies and age bins of |C_k recovered - C_k true|; C_k is the share of the mass formed in "
            "bin k and all younger ones; for the oldest bin it is 1, and its error 0"
        ),
    ),
    "cumulative_error_standard_error": ("1", "standard deviation over galaxies of their mean error / sqrt(n)"),
    "cumulative_error_per_bin": ("1", "the same error, mean over galaxies; youngest bin first"),
    "cumulative_median_error": ("1", "the same error of the median quantile of C_k"),
    "prior_mean_cumulative_error": (
        "1",
        "the same error when the mean mass fractions of the galaxies named in prior_mean are predicted for all",
    ),
    "cumulative_error_ratio": ("1", "cumulative_error / prior_mean_cumulative_error"),
    "mass_fraction_smape": (
        "%",
        (
            "SMAPE of the mass fractions: 100% x mean over galaxies and bins of |recovered - true| / (|recovered| + "
            "|true|), where 0/0 counts as 0; from 0% to 100%"
        ),
    ),
    "metallicity_smape": ("%", "SMAPE of Z"),
    "metallicity_error": (
        "dex",
        (
            "mean over galaxies of the sum over bins of m_k |log10 Z_k recovered - log10 Z_k true|, m_k the true mass "
            "fractions"
        ),
    ),
    "metallicity_error_per_bin": ("dex", "mean over galaxies of |log10 Z_k recovered - log10 Z_k true|"),
    "metallicity_bias_per_bin": ("dex", "median over galaxies of log10 Z_k recovered - log10 Z_k true"),
    "bias": ("of the quantity", "median over galaxies of d = recovered - true"),
    "scatter": ("of the quantity", "1.4826 x median of |d - bias|"),
    "rmse": ("of the quantity", "square root of the mean of d^2"),
    "outlier_fraction": ("1", "share of galaxies with |d - bias| > 3 x scatter; 0.27% for a Gaussian"),
    "coverage_68": (
        "1",
        "share of truths between the 16% and 84% quantiles, ends included; of C_k without the oldest bin, of log10 Z_k",
    ),
    "coverage_90": ("1", "share of truths between the 5% and 95% quantiles, ends included"),
    "share_below": ("1", "share of truths below each quantile, ties counted half; ideally the quantile's level"),
    "pinball": (
        "of the quantity; dex for metallicity",
        "mean over galaxies, bins and levels q of max(q (t - Q_q), (q - 1) (t - Q_q))",
    ),
    "novelty_rate": (
        "1",
        (
            "share of galaxies flagged as unlike the training data (novelty > 1); for galaxies drawn like the training "
            "data, the false-alarm rate"
        ),
    ),
    "snr": ("1", "median over the pixels used of flux / its error"),
    "a_v": ("mag", "true attenuation of the stars at 5500 A"),
    "inference_rate": ("1/s", "galaxies a second through the model in batches, reading and compilation not counted"),
}
