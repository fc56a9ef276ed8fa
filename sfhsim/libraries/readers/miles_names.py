"""What the official MILES and E-MILES file names say, and both of their metallicity conventions.

``E<imf><slope>Z<m|p>x.xxT<age Gyr>_iPp0.00_baseFe...``: E = E-MILES, I = MIUSCAT, M = MILES; un, bi, ku, kb, ch =
IMF; m, p = sign of [M/H]; iP = Padova00 (Girardi et al. 2000), iT = BaSTI (Pietrinferni et al. 2004). The two
isochrone sets give different Z to the same kind of label (Vazdekis et al. 2015, 2016; Asa'd et al. 2017 for
+0.41).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PADOVA_Z = {
    -2.32: 0.0001,
    -1.71: 0.0004,
    -1.31: 0.001,
    -0.71: 0.004,
    -0.40: 0.008,
    0.00: 0.019,
    0.22: 0.03,
    0.41: 0.05,  # Asa'd et al. (2017), young extension
}
BASTI_Z = {
    -2.27: 0.0001,
    -1.79: 0.0003,
    -1.49: 0.0006,
    -1.26: 0.001,
    -0.96: 0.002,
    -0.66: 0.004,
    -0.35: 0.008,
    -0.25: 0.01,
    0.06: 0.0198,
    0.15: 0.024,
    0.26: 0.03,
    0.40: 0.04,
}
Z_OF_ISOCHRONE = {"P": PADOVA_Z, "T": BASTI_Z}
FAMILY_NAME = {"E": "E-MILES", "I": "MIUSCAT", "M": "MILES"}
ISOCHRONE_NAME = {"P": "Padova00", "T": "BaSTI"}
IMF_NAME = {
    "un": "unimodal",
    "bi": "bimodal",
    "ku": "Kroupa universal",
    "kb": "Kroupa revised",
    "ch": "Chabrier",
}
_PATTERN = re.compile(
    r"(?P<family>[A-Z])(?P<imf>un|bi|ku|kb|ch)(?P<slope>\d+\.\d+)"
    r"Z(?P<sign>[mp])(?P<m_h>\d+\.\d+)T(?P<age>\d+\.\d+)(?:_i(?P<isochrone>[PT])(?P<alpha>[mp]\d+\.\d+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class MilesName:
    """What one file name says."""

    path: Path
    family: str
    imf: str
    m_h: float
    age_yr: float
    isochrone: str

    @property
    def imf_label(self) -> str:
        """'unimodal 1.30 (Salpeter)': the IMF in words."""
        label = f"{IMF_NAME[self.imf[:2]]} {self.imf[2:]}"
        return f"{label} (Salpeter)" if self.imf == "un1.30" else label


def parse_name(path: Path) -> MilesName | None:
    """Read a file name; None when it is not one of a MILES model."""
    match = _PATTERN.match(path.name)
    if match is None:
        return None
    m_h = float(match["m_h"]) * (-1.0 if match["sign"].lower() == "m" else 1.0)
    return MilesName(
        path=path,
        family=match["family"].upper(),
        imf=f"{match['imf'].lower()}{match['slope']}",
        m_h=m_h + 0.0,  # -0.0 becomes 0.0
        age_yr=float(round(float(match["age"]) * 1e9)),
        isochrone=(match["isochrone"] or "P").upper(),
    )


def metallicity_of(name: MilesName) -> float | None:
    """Z of a file, from [M/H] and its isochrones; None when that set has no such label."""
    for m_h, z in Z_OF_ISOCHRONE[name.isochrone].items():
        if abs(m_h - name.m_h) < 0.006:
            return z
    return None
