"""The model on galaxies of ProSpect's own: ``python -m benchmarks.prospect_galaxies FILE [--model NAME ...]``.

FILE is the npz of ProSpect outputs that `benchmarks.prospect` reads. Each case of MUSE's resolution gets noise, the
same in all pixels, ``--draws`` times; the model is told errors, resolution and redshift, with ``--bands`` magnitudes,
too. Its libraries must be installed for their ages. Nothing was trained or tuned on these galaxies.

cumulative error   mean over galaxies and age bins of |C - C_true|, C the cumulative mass fraction
in 68%             share of true cumulative fractions, and of mean ages, within the 68% intervals
bias, scatter      median, and 1.48 times the median absolute deviation, of predicted - true
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.fitting import row
from benchmarks.prospect import BANDS, LIBRARIES

SUMMARIES = ("mean_log10_age_yr_mass", "log10_metallicity_mass")
_COLUMNS = ("library", "emission")
_BAND_ERROR_MAG = 0.05
_MIN_COVERAGE = 0.2  # 4800-7000 A of a model that takes more


@dataclass(frozen=True)
class Galaxies:
    """What ProSpect made, n galaxies, and their truths."""

    wave_aa: np.ndarray
    flux: np.ndarray
    magnitudes: np.ndarray
    redshift: np.ndarray
    cases: list[dict]
    mass_fraction: np.ndarray
    summaries: np.ndarray


def galaxies(reference_file: Path, bin_edges_yr: np.ndarray, ages_yr: dict[str, np.ndarray]) -> Galaxies:
    """The cases with MUSE's resolution, and truths on a model's age bins.

    Parameters
    ----------
    reference_file : npz of ProSpect outputs.
    bin_edges_yr : (n_age_bin + 1,) of the model.
    ages_yr : of the templates, by the name of a case's library.
    """
    with np.load(reference_file) as stored:
        reference = {name: stored[name] for name in stored.files}
    cases = [case for case in json.loads(str(reference["cases_json"])) if case["lsf"] == "muse"]
    found = [truth(case, reference, bin_edges_yr, ages_yr[case["library"]]) for case in cases]
    return Galaxies(
        wave_aa=reference["wavelength"],
        flux=np.array([reference[case["id"] + "/flux"] for case in cases]),
        magnitudes=np.array([reference[case["id"] + "/mag_ab"] for case in cases]),
        redshift=np.array([case["z"] for case in cases]),
        cases=cases,
        mass_fraction=np.array([one[0] for one in found]),
        summaries=np.array([one[1] for one in found]),
    )


def truth(case: dict, reference: dict, bin_edges_yr: np.ndarray, ages_yr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mass fractions (n_age_bin,), and log10 age [yr] and log10 mean Z by mass; a template's mass is spread evenly."""
    from sfhsim.libraries.ssp_library import age_bin_edges_yr

    mass = reference[case["id"] + "/mass_formed"]
    edges = age_bin_edges_yr(ages_yr)[: mass.size + 1]
    before = np.concatenate([[0.0], np.cumsum(mass)])
    fractions = np.diff(np.interp(bin_edges_yr, edges, before)) / mass.sum()
    age = (mass * np.log10(ages_yr[: mass.size])).sum() / mass.sum()
    z = (mass * reference[case["id"] + "/metallicity_history"]).sum() / mass.sum()
    return fractions, np.array([age, np.log10(z)])


def noisy(known: Galaxies, snr: float, draws: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(flux, flux_error) (n draws, n_pixel) and magnitudes (n draws, n_band)."""
    random = np.random.default_rng(seed)
    flux = np.repeat(known.flux, draws, axis=0)
    error = np.broadcast_to(flux.mean(axis=1, keepdims=True) / snr, flux.shape)
    magnitudes = np.repeat(known.magnitudes, draws, axis=0)
    return (
        flux + error * random.standard_normal(flux.shape),
        error,
        magnitudes + _BAND_ERROR_MAG * random.standard_normal(magnitudes.shape),
    )


def answer(predictor, known: Galaxies, options) -> list[dict]:
    """A row for each library and emission, and one for each library."""
    from sfhsim.instrument import make_lsf

    flux, error, magnitudes = noisy(known, options.snr, options.draws)
    bands = {
        f"HST/WFC3_UVIS.{name}": magnitudes[:, k]
        for k, name in enumerate(BANDS)
        if f"HST/WFC3_UVIS.{name}" in predictor.description.band_names
    }
    prediction = predictor.predict(
        known.wave_aa,
        flux,
        error,
        magnitudes=bands if options.bands else None,
        redshift=np.repeat(known.redshift, options.draws),
        magnitude_errors=dict.fromkeys(bands, _BAND_ERROR_MAG) if options.bands else None,
        resolution_fwhm_aa=make_lsf("muse").fwhm_aa(known.wave_aa),
        on_bad="skip",
    )
    names = list(predictor.description.summary_names)
    columns = [names.index(name) for name in SUMMARIES]
    summaries, fraction = (np.repeat(a, options.draws, axis=0) for a in (known.summaries, known.mass_fraction))
    true, low, high = np.cumsum(fraction, axis=1), prediction.level(0.16), prediction.level(0.84)
    intervals = prediction.cumulative_quantiles[:, :-1]
    held = (true[:, :-1] >= intervals[..., low]) & (true[:, :-1] <= intervals[..., high])
    age, ages = summaries[:, 0], prediction.summary_quantiles[:, columns[0]]
    age_held = (age >= ages[:, low]) & (age <= ages[:, high])
    keys = np.repeat([" ".join(str(case[c]) for c in _COLUMNS) for case in known.cases], options.draws)
    libraries = np.repeat([case["library"] for case in known.cases], options.draws)
    rows = []
    for key in [*sorted(set(keys)), *LIBRARIES]:
        these = (keys == key) | (libraries == key)
        answers = prediction.mass_fraction[these], prediction.summaries[these][:, columns]
        rows.append({
            "galaxies": key,
            "n": int(these.sum()),
            **row(*answers, fraction[these], summaries[these]),
            "in_68_cumulative": float(held[these].mean()),
            "in_68_age": float(age_held[these].mean()),
            "flagged": float((prediction.novelty[these] > 1.0).mean()),
        })  # fmt: skip
    return rows


def print_rows(rows: list[dict]) -> None:
    """The rows as text."""
    print(f"{'ProSpect galaxies':18s}{'spectra':>8s}{'error':>8s}{'in 68%: cum':>12s}{'age':>7s}"
          f"{'age dex':>18s}{'[M/H] dex':>18s}{'flagged':>9s}")  # fmt: skip
    for found in rows:
        spreads = "".join(f"{b:+10.3f} ±{s:6.3f}" for b, s in zip(found["bias"], found["scatter"], strict=True))
        print(f"{found['galaxies']:18s}{found['n']:8d}{found['cumulative_error']:8.4f}{found['in_68_cumulative']:12.3f}"
              f"{found['in_68_age']:7.3f}{spreads}{found['flagged']:9.3f}")  # fmt: skip


def main() -> None:
    """Parse the command line, predict, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reference", type=Path, help="npz of ProSpect outputs")
    parser.add_argument("--model", nargs="+", default=["phangs-muse-hst"], help="files, runs or presets")
    parser.add_argument("--snr", type=float, default=50.0, help="per pixel")
    parser.add_argument("--draws", type=int, default=10, help="of noise, for each galaxy")
    parser.add_argument("--bands", action="store_true", help="with magnitudes")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from sfhmodel.inference import load
    from sfhmodel.spectra.options import PreparationSettings
    from sfhsim.libraries import load_library

    ages_yr = {name: load_library(library).age_yr for name, library in LIBRARIES.items()}
    for model in options.model:
        predictor = load(model, settings=PreparationSettings(min_coverage=_MIN_COVERAGE))
        edges_yr = np.asarray(predictor.description.age_bin_edges_yr)
        print(f"\n{model}, S/N {options.snr:g}" + (", with bands" if options.bands else ""))
        print_rows(answer(predictor, galaxies(options.reference, edges_yr, ages_yr), options))


if __name__ == "__main__":
    main()
