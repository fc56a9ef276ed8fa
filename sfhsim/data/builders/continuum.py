"""Build ``sfhsim/data/nebular/continuum.npz`` from PyNeb: ``python -m sfhsim.data.builders.continuum OUT``.

Needs PyNeb 1.1.32 (``pip install pyneb==1.1.32``). Free-bound + free-free emission of H+, He+ and He++ on a
log Te grid of 0.025 dex, sampled at the series edges and on a fine grid between, then thinned to the nodes
that a straight line between neighbours needs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from sfhsim.data.builders.nodes import choose_nodes
from sfhsim.nebular.continuum import load_continuum, two_photon_emissivity

LOG10_TEMPERATURE = np.linspace(3.6, 4.4, 33)
LOG10_DENSITY = np.array([2.0, 3.0, 4.0, 5.0])
FIRST_WAVE_AA, LAST_TABULATED_AA, LAST_WAVE_AA = 911.76, 3.6e5, 1.0e6
IONS = ("H", "He1", "He2")
TOLERANCE, TOLERANCE_FAR_UV = 1e-3, 5e-3


def build(out: Path) -> None:
    """Write the table."""
    import pyneb

    model = pyneb.Continuum()
    wave_aa = _samples(Path(pyneb.__file__).parent / "atomic_data")
    emissivity = np.array([[_ion(model, ion, 10.0**log10_t, wave_aa) for log10_t in LOG10_TEMPERATURE] for ion in IONS])
    nodes = _thin(wave_aa, emissivity)
    hydrogen = pyneb.RecAtom("H", 1)
    hbeta = hydrogen.getEmissivity(10.0**LOG10_TEMPERATURE, 10.0**LOG10_DENSITY, label="4_2")
    np.savez_compressed(
        out,
        wave_aa=wave_aa[nodes],
        log10_temperature=LOG10_TEMPERATURE,
        log10_density=LOG10_DENSITY,
        log10_emissivity=np.log10(emissivity[:, :, nodes]).astype(np.float32),
        log10_hbeta=np.log10(hbeta),
    )
    load_continuum.cache_clear()
    print(f"{out}: {nodes.size} nodes, {out.stat().st_size / 1e3:.0f} kB")


def _samples(atomic_data: Path) -> np.ndarray:
    """A logarithmic grid, refined at Lyman alpha, and both sides of every series edge."""
    from pyneb.utils.physics import (
        CST,
    )  # PyNeb's own constants: the edges must fall exactly where it puts them

    edges = []
    for ion in IONS:
        table = np.loadtxt(atomic_data / f"coeff_ercolano_{ion}.txt", usecols=(0, 1))
        threshold_aa = CST.HPLANCK * CST.CLIGHT * 1e8 / (table[table[:, 0] == 1, 1] * CST.RYD_erg)
        edges.append(threshold_aa[threshold_aa < 1.0e5])  # further out a jump is below 2%
    edges_aa = np.concatenate(edges)
    half_width_aa = 2e-6 * edges_aa
    samples_aa = np.concatenate(
        [
            np.geomspace(FIRST_WAVE_AA, LAST_TABULATED_AA, 5000),
            np.geomspace(LAST_TABULATED_AA, LAST_WAVE_AA, 100),
            1215.7 + np.geomspace(1e-3, 20.0, 100),
            [1215.7],
            edges_aa - half_width_aa,
            edges_aa + half_width_aa,
        ]
    )
    samples_aa = np.unique(samples_aa[samples_aa >= FIRST_WAVE_AA])
    return samples_aa[np.diff(samples_aa, prepend=0.0) > 1e-3]


def _ion(model, ion: str, temperature_k: float, wave_aa: np.ndarray) -> np.ndarray:
    """Free-bound + free-free of one ion, erg cm3/s/Angstrom; beyond the table in proportion to free-free."""
    free_free = model.FreeFree(temperature_k, wave_aa)
    if ion != "H":
        he = {"He1_H": 1.0} if ion == "He1" else {"He2_H": 1.0}
        free_free = model.FreeFree(temperature_k, wave_aa, **he) - free_free
    inside = wave_aa <= LAST_TABULATED_AA
    total = free_free.copy()
    total[inside] += model.make_cont_Ercolano(temperature_k, ion, wave_aa[inside])
    total[~inside] *= total[inside][-1] / free_free[inside][-1]
    return total


def _thin(wave_aa: np.ndarray, emissivity: np.ndarray) -> np.ndarray:
    """Nodes that hold for all temperatures, without and with helium, and with two-photon emission."""
    temperature_k = 10.0 ** LOG10_TEMPERATURE[::4]
    two_photon = two_photon_emissivity(wave_aa, temperature_k, np.full(temperature_k.size, 100.0))
    hydrogen, he1, he2 = emissivity[:, ::4]
    mixtures = [hydrogen + y1 * he1 + y2 * he2 for y1, y2 in ((0.0, 0.0), (0.1, 0.0), (0.05, 0.05))]
    spectra = np.concatenate([m + two_photon for m in mixtures])
    return choose_nodes(wave_aa, spectra, np.where(wave_aa > 1230.0, TOLERANCE, TOLERANCE_FAR_UV))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
