"""The tables of a report: metrics as text with their units."""

from __future__ import annotations

from sfhmodel.plots.quantity_names import signed, title, unit


def headline(metrics: dict) -> list[tuple[str, str]]:
    """(what, value) of the metrics that say most."""
    ratio = metrics["cumulative_error_ratio"]
    error, deviation = metrics["cumulative_error"], metrics["cumulative_error_standard_error"]
    quantiles = metrics["quantiles"]
    rate = metrics["inference_rate"]
    return [
        ("Mean error of the cumulative mass fraction", f"{error:.4f} ± {deviation:.4f}"),
        ("… of the median quantile", f"{metrics['cumulative_median_error']:.4f}"),
        ("… of the prior mean", f"{metrics['prior_mean_cumulative_error']:.4f}"),
        ("Ratio, model to prior mean", "–" if ratio is None else f"{ratio:.3f}"),
        ("Mass-weighted metallicity error", f"{metrics['metallicity_error']:.3f} dex"),
        ("SMAPE of mass fractions", f"{metrics['mass_fraction_smape']:.1f}%"),
        ("SMAPE of metallicities", f"{metrics['metallicity_smape']:.1f}%"),
        ("Coverage of 68% intervals, cumulative SFH", f"{100 * quantiles['cumulative']['coverage_68']:.1f}%"),
        ("Coverage of 68% intervals, metallicity", f"{100 * quantiles['metallicity']['coverage_68']:.1f}%"),
        ("Flagged as unlike the training data", f"{100 * metrics['novelty_rate']:.2f}%"),
        ("Inference rate", "not measured" if rate is None else f"{rate:,.0f} galaxies/s"),
    ]


def summary_table(metrics: dict) -> list[list[str]]:
    """Rows: quantity, unit, bias, scatter, rms error, outliers, coverage of the 68% and 90% intervals."""
    rows = []
    for name, values in metrics["summaries"].items():
        inside = metrics["quantiles"][name]
        rows.append(
            [
                _plain(title(name)),
                unit(name) or "–",
                signed(values["bias"], 4),
                f"{values['scatter']:.4f}",
                f"{values['rmse']:.4f}",
                f"{100 * values['outlier_fraction']:.1f}%",
                f"{100 * inside['coverage_68']:.1f}%",
                f"{100 * inside['coverage_90']:.1f}%",
            ]
        )
    return rows


def quantile_table(metrics: dict) -> list[list[str]]:
    """Rows: family of targets, coverage of the 68% and 90% intervals, pinball loss, share below each quantile."""
    return [
        [
            _plain(title(family)),
            f"{100 * values['coverage_68']:.1f}%",
            f"{100 * values['coverage_90']:.1f}%",
            f"{values['pinball']:.4f}",
            *(f"{100 * share:.1f}%" for share in values["share_below"]),
        ]
        for family, values in metrics["quantiles"].items()
    ]


def group_table(groups: list[dict], digits: int) -> list[list[str]]:
    """Rows: range, number, cumulative error and ratio, metallicity error, scatter of age and A_V, coverage, flagged."""
    rows = []
    for group in groups:
        ends = " – ".join("∞" if group[end] is None else f"{group[end]:.{digits}f}" for end in ("low", "high"))
        rows.append([ends, *_of_galaxies(group)])
    return rows


def world_table(worlds: list[dict]) -> list[list[str]]:
    """Rows: world, and what `group_table` has of a group."""
    return [[world["name"], *_of_galaxies(world)] for world in worlds]


def _of_galaxies(metrics: dict) -> list[str]:
    ratio, summaries = metrics["cumulative_error_ratio"], metrics["summaries"]
    return [
        str(metrics["n_galaxies"]),
        f"{metrics['cumulative_error']:.4f}",
        "–" if ratio is None else f"{ratio:.3f}",
        f"{metrics['metallicity_error']:.3f}",
        f"{summaries['mean_log10_age_yr_mass']['scatter']:.3f}",
        f"{summaries['a_v_mag']['scatter']:.3f}",
        f"{100 * metrics['quantiles']['cumulative']['coverage_68']:.1f}%",
        f"{100 * metrics['novelty_rate']:.1f}%",
    ]


def _plain(text: str) -> str:
    return text.replace("$A_V$", "A_V")
