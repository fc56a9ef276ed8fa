"""sfhsim against outputs of ProSpect, case by case: ``python -m benchmarks.prospect --reference FILE [--json OUT]``.

FILE is an npz of ProSpect outputs: ``wavelength``, ``cases_json``, ``seconds`` and for each case its histories, masses,
magnitudes, spectrum and dust-free stellar light. Filter curves and the LKL10 table are looked for beside it
(``../filters``, ``../lkl10``), else sfhsim's own are taken. Libraries are installed when missing.

rms is the root mean square over pixels of ours/ProSpect - 1.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path

import numpy as np

from sfhsim.errors import MissingDataError, SfhsimWarning

LIBRARIES = {"emiles": "emiles", "bc03": "bc03-miles-full"}
BANDS = ("F275W", "F336W", "F438W", "F555W", "F814W")
NO_MASS_MSUN = 1.0e-30  # less than an atom: ratios of such masses mean nothing


def main() -> None:
    """Parse the command line, run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="npz of ProSpect outputs")
    parser.add_argument("--json", type=Path, help="write the summary here")
    parser.add_argument("--plot", type=Path, default=Path("prospect_worst_case.png"), help="picture of the worst case")
    parser.add_argument("--limit", type=int, help="only the first cases")
    arguments = parser.parse_args()
    summary = run(arguments.reference, arguments.plot, arguments.limit)
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=1) + "\n")


def run(reference_file: Path, plot: Path | None = None, limit: int | None = None) -> dict:
    """Compare every case; prints a table and a summary, returns the summary."""
    warnings.simplefilter("ignore", SfhsimWarning)  # E-MILES' coarse red templates: known, and ProSpect's too
    with np.load(reference_file) as stored:
        reference = {name: stored[name] for name in stored.files}
    cases = json.loads(str(reference["cases_json"]))[:limit]
    _use_line_table(reference_file)
    libraries = {name: _library(LIBRARIES[name]) for name in sorted({case["library"] for case in cases})}
    bands = _bands(reference_file)
    print(f"{'case':6s}{'library':8s}{'sfh':18s}{'Z':6s}{'stellar rms':>12s}{'flux rms':>10s}"
          f"{'worst px':>10s}{'dmag':>9s}{'dM/M':>9s}{'dZ':>9s}{'ours s':>9s}{'ProSpect':>9s}")  # fmt: skip
    rows = []
    for k, case in enumerate(cases):
        row = compare_case(case, reference, libraries[case["library"]], bands)
        row["prospect_seconds"] = float(reference["seconds"][k])
        rows.append(row)
        print(f"{case['id']:6s}{case['library']:8s}{case['sfh']:18s}{case['zh']:6s}{row['stellar_rms']:12.2e}"
              f"{row['flux_rms']:10.2e}{row['flux_worst']:10.1e}{row['mag_abs']:9.4f}{row['mass_rel']:9.1e}"
              f"{row['metallicity_abs']:9.1e}{row['seconds']:9.4f}{row['prospect_seconds']:9.3f}")  # fmt: skip
    summary = summarise(rows)
    print(json.dumps(summary, indent=1))
    if plot is not None:
        worst = max(rows, key=lambda row: row["flux_rms"])
        print(f"picture of the worst case, {worst['id']}: {_plot(worst, reference['wavelength'], plot)}")
    return summary


def summarise(rows: list[dict]) -> dict:
    """Medians and maxima over the cases."""

    def column(name):
        return np.array([row[name] for row in rows])

    return {
        "cases": len(rows),
        "stellar_rms_median": float(np.median(column("stellar_rms"))),
        "stellar_rms_max": float(column("stellar_rms").max()),
        "flux_rms_median": float(np.median(column("flux_rms"))),
        "flux_rms_max": float(column("flux_rms").max()),
        "mag_abs_max": float(column("mag_abs").max()),
        "mass_rel_max": float(column("mass_rel").max()),
        "metallicity_abs_max": float(column("metallicity_abs").max()),
        "prospect_seconds_median": float(np.median(column("prospect_seconds"))),
        "ours_seconds_median": float(np.median(column("seconds"))),
    }


def compare_case(case: dict, reference: dict, library, bands: list[str]) -> dict:
    """Run one case and compare it with ProSpect's outputs."""
    from sfhsim import Simulator
    from sfhsim.instrument import pixel_edges, rebin
    from sfhsim.recipe.loading import recipe_from_dict
    from sfhsim.synthesis import synthesize_galaxy

    theirs = {name.split("/")[1]: value for name, value in reference.items() if name.startswith(case["id"] + "/")}
    recipe = recipe_from_dict(case_recipe(case, reference["wavelength"], bands, library), case["id"])
    simulator = Simulator(recipe, library)
    batch = simulator.batch([0])  # compiles what is left to compile
    seconds = min(_timed(lambda: simulator.batch([0])) for _ in range(3))
    galaxy = synthesize_galaxy(recipe, library=library)
    edges = pixel_edges(reference["wavelength"])
    stellar = rebin(galaxy.wave_aa, galaxy.stellar, edges)
    n_age = theirs["mass_formed"].size
    mass = batch.populations.mass[0, :n_age] * case["forcemass"]
    formed = theirs["mass_formed"] > NO_MASS_MSUN
    ratio = batch.noise_free_spectrum[0] / theirs["flux"] - 1
    return {
        "id": case["id"],
        "stellar_rms": _rms(stellar / theirs["stellar_lum"] - 1),
        "flux_rms": _rms(ratio),
        "flux_worst": float(np.abs(ratio).max()),
        "mag_abs": float(np.abs(batch.noise_free_photometry[0] - theirs["mag_ab"]).max()),
        "mass_rel": float(np.abs(mass[formed] / theirs["mass_formed"][formed] - 1).max()),
        "metallicity_abs": float(
            np.abs(batch.populations.metallicity[0, :n_age] - theirs["metallicity_history"]).max()
        ),
        "seconds": seconds,
        "ours": batch.noise_free_spectrum[0],
        "theirs": theirs["flux"],
    }


def case_recipe(case: dict, wave_aa: np.ndarray, bands: list[str], library) -> dict:
    """The recipe of one ProSpect call, all of ProSpect's forms chosen."""
    history: dict = {"family": "skewed_normal"}
    if case["sfh"] == "tabulated":
        history = {"family": "tabulated", "table": {"age_yr": case["sfh_age"], "value": case["sfh_sfr"]}}
    else:
        history["parameters"] = {
            "peak_gyr": case["mpeak"],
            "period_gyr": case["mperiod"],
            "skewness": case["mskew"],
            "burst_sfr": case["mburst"] / case["mSFR"],
            "burst_age_gyr": case["mburstage"],
            "truncation": case["mtrunc"] if case["sfh"].endswith("trunc") else 0.0,
        }
    form = {"box": "closed_box", "lin": "linear_mass", "const": "constant"}[case["zh"]]
    scaling = {"SFR": "sfr", "FUV": "energy"}.get(case["emission"])
    # ProSpect finds no light below 911.75 A in a library that does not reach there, and draws no lines
    glows = scaling is not None and not (scaling == "energy" and np.isnan(library.ionizing_luminosity_lsun).all())
    return {
        "name": case["id"],
        "discretisation": "prospect",
        "histories": [history],
        "total_mass_msun": case["forcemass"],
        "metallicity": {
            "form": form,
            "z_start": min(case["Zstart"], case["Zfinal"]),
            "z_final": case["Zfinal"],
            "yield": case["yield"],
        },
        "dust": {
            "birth": {
                "law": "power_law",
                "tau": case["tau_birth"],
                "parameters": {"exponent": case["pow_birth"]},
            },
            "screen": {
                "law": "power_law_bump",
                "tau": case["tau_screen"],
                "parameters": {"exponent": case["pow_screen"], "bump_strength": case["Eb"]},
            },
        },
        "nebular": {
            "model": "lkl10" if glows else "none",
            "continuum": False,
            "scaling": scaling or "sfr",
            "sfr_to_halpha": "prospect",
            "line_flux": "prospect",
            "escape_fraction": case["escape_frac"],
        },
        "kinematics": {
            "velocity_dispersion_kms": case["veldisp"],
            "broaden_stars": case["disp_stars"],
            "redshift": case["z"],
        },
        "spectrum": {
            "start_aa": float(wave_aa[0]),
            "stop_aa": float(wave_aa[-1]),
            "step_aa": float(wave_aa[1] - wave_aa[0]),
            "lsf": {"name": case["lsf"]},
            "subtract_template_resolution": False,
        },
        # ProSpect interpolates in log flux where it broadens
        "photometry": {"filters": bands, "interpolation": "log" if case["disp_stars"] else "linear"},
        "noise": {"model": "none"},
    }


def _library(name: str):
    """Load a library, installing it first when it is missing."""
    from sfhsim.libraries import install_library, load_library

    try:
        return load_library(name)
    except MissingDataError:
        print(f"installing {name} ...")
        install_library(name, progress=lambda message: print(f"  {message}"))
        return load_library(name)


def _use_line_table(reference_file: Path) -> None:
    """Take the LKL10 table beside the reference, or the installed one, or install it."""
    from sfhsim.nebular import install_lkl10, load_lkl10

    beside = reference_file.resolve().parent.parent / "lkl10"
    if beside.is_dir():
        os.environ["SFHSIM_LKL10"] = str(beside)
    try:
        load_lkl10()
    except MissingDataError:
        print("installing the LKL10 line table ...")
        install_lkl10()


def _bands(reference_file: Path) -> list[str]:
    """The curves beside the reference, or those of the package."""
    folder = reference_file.resolve().parent.parent / "filters"
    files = [folder / f"HST_WFC3_UVIS2.{band}.dat" for band in BANDS]
    if all(file.is_file() for file in files):
        return [str(file) for file in files]
    print(f"no filter curves in {folder}: taking the package's HST/WFC3_UVIS, which differ by up to some 0.01 mag")
    return [f"HST/WFC3_UVIS.{band}" for band in BANDS]


def _timed(call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _plot(worst: dict, wave_aa: np.ndarray, path: Path) -> Path:
    from sfhsim.plots.style import BLUE, ORANGE, RED, new_figure, plain_axes, save

    figure = new_figure(10, 6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    above.plot(wave_aa, worst["theirs"], color=ORANGE, lw=2, label="ProSpect")
    above.plot(wave_aa, worst["ours"], color=BLUE, lw=0.8, label="sfhsim")
    above.set(
        ylabel="$F_\\lambda$ [erg s$^{-1}$ cm$^{-2}$ $\\AA^{-1}$]",
        title=f"worst case by rms: {worst['id']}, rms {worst['flux_rms']:.1e}",
    )
    above.legend(frameon=False)
    below.plot(wave_aa, worst["ours"] / worst["theirs"] - 1, color=RED, lw=0.7)
    below.set(xlabel="observed wavelength [$\\AA$]", ylabel="ours / ProSpect - 1")
    for axes in (above, below):
        plain_axes(axes)
    return save(figure, path)


if __name__ == "__main__":
    main()
