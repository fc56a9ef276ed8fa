"""The embedded default library ``bc03-miles``: every SSP of the full grid, compressed.

Merging ages would change what a galaxy with a sharp burst looks like, so all 196 ages x 7 metallicities are
kept and the cube is compressed instead. In each zone of wavelength, with m_t the mean of template t over the
zone and p_w the mean of all templates / m_t at pixel w,

    L[t, w] = m_t p_w N[t, w],        N ~ sum_k U[t, k] V[k, w]      (truncated singular value decomposition)

The largest components are float32, the others, whose contribution is small, float16. The ultraviolet, where
old and young stars differ by many orders of magnitude, is not factorised: N itself is float16 there, right
to 5e-4 of each pixel. `sfhsim.data.builders.bc03_miles` writes the file; ``sfhsim/data/README.md`` says
where it comes from.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.ssp_library import TEXT_NAMES, SSPLibrary
from sfhsim.linear import matmul

EMBEDDED_FOLDER = Path(__file__).resolve().parents[1] / "data" / "bc03-miles"
ARRAYS_FILE, DESCRIPTION_FILE = "bc03-miles.npz", "library.json"


def decode_zone(arrays: dict[str, np.ndarray], zone: str, out: np.ndarray) -> None:
    """Write L[t, w] of one zone into ``out`` (n_template, n_pixel) float32; never negative."""
    pixel_mean, template_mean = arrays[f"{zone}_pixel_mean"], arrays[f"{zone}_template_mean"][:, None]
    if f"{zone}_values" in arrays:
        np.multiply(arrays[f"{zone}_values"], pixel_mean, out=out)
        out *= template_mean
        return
    left = np.concatenate([arrays[f"{zone}_u32"], arrays[f"{zone}_u16"].astype(np.float32)], axis=1)
    right = np.concatenate([arrays[f"{zone}_v32"], arrays[f"{zone}_v16"].astype(np.float32)], axis=0)
    left *= arrays[f"{zone}_scale"]
    left *= template_mean
    right *= pixel_mean
    out[:] = matmul(left, right)
    np.maximum(out, 0.0, out=out)


def decode(arrays: dict[str, np.ndarray], zones: list[str]) -> np.ndarray:
    """The cube (n_metallicity, n_age, n_wave) float32 of all zones, side by side."""
    n_pixels = [arrays[f"{zone}_pixel_mean"].size for zone in zones]
    shape = (arrays["metallicity"].size, arrays["age_yr"].size)
    cube = np.empty((shape[0] * shape[1], sum(n_pixels)), dtype=np.float32)
    start = 0
    for zone, n_pixel in zip(zones, n_pixels, strict=True):
        decode_zone(arrays, zone, cube[:, start : start + n_pixel])
        start += n_pixel
    return cube.reshape(*shape, -1)


def read_description(folder: Path) -> dict:
    """The description of the embedded library; LibraryError when it is missing or damaged."""
    try:
        description = json.loads((folder / DESCRIPTION_FILE).read_text())
        return description | {"checksum": str(description["checksum"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LibraryError(f"the embedded library in {folder} is damaged ({error}): install sfhsim again") from error


def stored_checksum(folder: Path, description: dict) -> str:
    """sha256 of the description's texts and the file of arrays."""
    texts = {name: description[name] for name in TEXT_NAMES}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode() + (folder / ARRAYS_FILE).read_bytes()).hexdigest()


def load_embedded(folder: Path = EMBEDDED_FOLDER) -> SSPLibrary:
    """Decode the embedded library (about 42 MB in memory, a fraction of a second).

    Raises
    ------
    LibraryError
        When its files are missing or damaged: the installation of sfhsim is broken.
    """
    try:
        description = read_description(folder)
        with open(folder / ARRAYS_FILE, "rb") as file, np.load(file) as archive:
            arrays = {name: archive[name] for name in archive.files}
        flux = decode(arrays, description["zones"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise LibraryError(f"the embedded library in {folder} is damaged ({error}): install sfhsim again") from error
    wave_aa = arrays["wave_aa"]
    return SSPLibrary(
        **{name: description[name] for name in TEXT_NAMES},
        metallicity=arrays["metallicity"],
        age_yr=arrays["age_yr"],
        wave_aa=wave_aa,
        flux=flux,
        resolution_fwhm_aa=arrays["resolution_fwhm_aa"],
        ionizing_photon_rate=arrays["ionizing_photon_rate"],
        ionizing_luminosity_lsun=arrays["ionizing_luminosity_lsun"],
        valid_range_aa=np.broadcast_to(wave_aa[[0, -1]], (*flux.shape[:2], 2)),
        checksum=description["checksum"],
        validate=False,
    )
