"""The embedded library against the grid it was made from: ``python -m benchmarks.embedded [--n N] [--json OUT]``.

The same drawn galaxies on both libraries: rms over pixels of embedded/full - 1 of each noise-free spectrum, and the
difference of every magnitude, from the far ultraviolet to the mid infrared. The full grid is installed when missing.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np

from benchmarks.prospect import _library
from sfhsim.errors import SfhsimWarning

OPTICAL = tuple(f"HST/WFC3_UVIS.{band}" for band in ("F275W", "F336W", "F438W", "F555W", "F814W"))
WIDE = ("GALEX.FUV", "GALEX.NUV", "JWST/NIRCam.F200W", "JWST/NIRCam.F444W", "JWST/MIRI.F770W", "JWST/MIRI.F2100W")


def main() -> None:
    """Parse the command line, run, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=200, help="galaxies")
    parser.add_argument("--recipe", default="phangs-muse-hst-embedded")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the summary here")
    arguments = parser.parse_args()
    summary = run(arguments.recipe, arguments.n, arguments.seed)
    if arguments.json:
        arguments.json.write_text(json.dumps(summary, indent=1) + "\n")


def run(recipe_name: str, n: int, seed: int) -> dict:
    """Compare both libraries; prints and returns the summary."""
    from sfhsim import Simulator, load_recipe
    from sfhsim.recipe import recipe_to_dict
    from sfhsim.recipe.loading import recipe_from_dict

    warnings.simplefilter("ignore", SfhsimWarning)
    content = recipe_to_dict(load_recipe(recipe_name))
    content["photometry"] |= {"filters": [*OPTICAL, *WIDE], "error_mag": 0.0}
    content["noise"] = {"model": "none"}
    batches = []
    for name in ("bc03-miles", "bc03-miles-full"):
        recipe = recipe_from_dict({**content, "library": name})
        batches.append(Simulator(recipe, _library(name), seed=seed).batch(np.arange(n)))
    embedded, full = batches
    rms = np.sqrt(np.mean((embedded.noise_free_spectrum / full.noise_free_spectrum - 1.0) ** 2, axis=1))
    dmag = np.abs(embedded.noise_free_photometry - full.noise_free_photometry)
    summary = {
        "galaxies": n,
        "spectrum_rms_median": float(np.median(rms)),
        "spectrum_rms_max": float(rms.max()),
        "optical_mag_abs_max": float(dmag[:, : len(OPTICAL)].max()),
        "mag_abs_max": {band: float(d) for band, d in zip([*OPTICAL, *WIDE], dmag.max(axis=0), strict=True)},
    }
    print(json.dumps(summary, indent=1))
    return summary


if __name__ == "__main__":
    main()
