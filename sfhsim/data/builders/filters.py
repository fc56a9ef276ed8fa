"""Build ``sfhsim/data/filters/filters.npz``: ``python -m sfhsim.data.builders.filters WHEEL OUT``.

WHEEL is that of kcorrect (BSD-3), read as a zip: nothing of it is imported. Curves are cut where they fall below 1e-5
of their peak and thinned: a point is dropped where a straight line between its neighbours is within 2e-5 of the peak.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np

from sfhsim.instrument.filter_sources import parse_kcorrect

CUT, TOLERANCE = 1e-5, 2e-5  # of the peak

_UVIS = "F218W F225W F275W F300X F336W F390W F438W F475W F555W F606W F625W F775W F814W F850LP"
_IR = "F105W F110W F125W F140W F160W"
_ACS = "F435W F475W F555W F606W F625W F775W F814W F850LP"
_NIRCAM = (
    "F070W F090W F115W F140M F150W F162M F182M F200W F210M F250M F277W F300M F335M F356W F360M F410M F430M "
    "F444W F460M F480M"
)
_MIRI = "F560W F770W F1000W F1130W F1280W F1500W F1800W F2100W F2550W"


def wheel_names() -> dict[str, str]:
    """Our canonical name -> the file's stem in the wheel."""
    names = {f"HST/WFC3_UVIS.{band}": f"clash_wfc3_{band.lower()}" for band in _UVIS.split()}
    names |= {f"HST/WFC3_IR.{band}": f"clash_wfc3_{band.lower()}" for band in _IR.split()}
    names |= {f"HST/ACS_WFC.{band}": f"clash_acs_{band.lower()}" for band in _ACS.split()}
    names |= {f"JWST/NIRCam.{band}": f"jwst_{band.lower()}" for band in _NIRCAM.split()}
    names |= {f"JWST/MIRI.{band}": f"jwst_{band.lower()}" for band in _MIRI.split()}
    names |= {f"GALEX/GALEX.{band}": f"galex_{band}" for band in ("FUV", "NUV")}
    names |= {f"SDSS/SDSS.{band}": f"sdss_{band}0" for band in "ugriz"}
    names |= {f"2MASS/2MASS.{band}": f"twomass_{band}" for band in ("J", "H", "Ks")}
    names |= {f"Spitzer/IRAC.I{channel}": f"spitzer_irac_ch{channel}" for channel in range(1, 5)}
    names |= {f"WISE/WISE.W{channel}": f"wise_w{channel}" for channel in range(1, 5)}
    return names


def thin(wave_aa: np.ndarray, throughput: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut the tails and drop the points that straight lines replace; the peak becomes 1."""
    throughput = np.maximum(throughput, 0.0) / throughput.max()
    above = np.flatnonzero(throughput > CUT)
    inside = slice(max(above[0] - 1, 0), above[-1] + 2)
    wave_aa, throughput = wave_aa[inside], throughput[inside]
    keep = np.zeros(wave_aa.size, dtype=bool)
    keep[[0, -1]] = True
    pending = [(0, wave_aa.size - 1)]
    while pending:  # Douglas & Peucker: split at the worst point until all are within the tolerance
        low, high = pending.pop()
        if high - low < 2:
            continue
        line = np.interp(wave_aa[low : high + 1], wave_aa[[low, high]], throughput[[low, high]])
        error = np.abs(throughput[low : high + 1] - line)
        worst = low + int(np.argmax(error))
        if error[worst - low] > TOLERANCE:
            keep[worst] = True
            pending += [(low, worst), (worst, high)]
    return wave_aa[keep], throughput[keep]


def build(wheel: str | Path, out: str | Path) -> int:
    """Write ``out`` (npz: name, offset, wave_aa, throughput, source) and return the number of filters."""
    names, waves, curves = [], [], []
    with zipfile.ZipFile(wheel) as archive:
        for name, stem in wheel_names().items():
            text = archive.read(f"kcorrect/data/responses/{stem}.dat").decode()
            wave_aa, throughput = thin(*parse_kcorrect(text))
            names.append(name)
            waves.append(wave_aa)
            curves.append(throughput)
    version = Path(wheel).name.split("-")[1]
    np.savez_compressed(
        out,
        name=np.array(names),
        offset=np.cumsum([0] + [wave_aa.size for wave_aa in waves]),
        wave_aa=np.concatenate(waves),
        throughput=np.concatenate(curves).astype(np.float32),
        source=np.array(f"kcorrect {version}"),
    )
    return len(names)


if __name__ == "__main__":
    print(f"{build(sys.argv[1], sys.argv[2])} filters written to {sys.argv[2]}")
