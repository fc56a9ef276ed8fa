"""Infrared emission of dust by Draine & Li (2007, ApJ 657, 810): PAHs, carbon and silicate grains.

Most of the dust, a fraction 1 - gamma of its mass, is heated by starlight of one intensity U_min (that of the solar
neighbourhood is 1), the rest by a power law of intensities dM/dU ~ U^-2 from U_min to 10^6. Per hydrogen atom,

    j = (1 - gamma) j[U_min](q_PAH, U_min) + gamma j[U_min..10^6](q_PAH, U_min),

linear in q_PAH (the share of the dust mass that is in PAHs) and in U_min between the nodes of the tables, and then
divided by its integral over 1-1000 um.

``draine_li_2007``            the seven models of Milky Way dust, q_PAH = 0.47-4.58%, those that are fitted to galaxies
``draine_li_2007_bagpipes``   those and three of LMC dust (0.75, 1.49 and 2.37%), interpolated as Bagpipes does

The LMC's grains are others: at q_PAH = 0.75% their F1000W is six times that of Milky Way dust of 0.47%, and F335M is
less. What is interpolated between both is no function of q_PAH that a galaxy follows; use it to compare with Bagpipes.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np

from sfhsim.dust.emission import register_dust_emission
from sfhsim.histories.parameters import Parameter
from sfhsim.interpolation import bracket

PARAMETERS = (
    Parameter("q_pah_percent", "%", "mass of PAHs in that of all dust", 2.5, 0.47, 4.58),
    Parameter("u_min", "", "lowest intensity of starlight, that of the solar neighbourhood is 1", 1.0, 0.1, 25.0),
    Parameter("gamma", "", "mass fraction of dust in starlight from u_min to 10^6", 0.01, 0.0, 1.0),
)
_FILE = "draine_li_2007.npz"


@dataclass(frozen=True)
class DraineLiTables:
    """Tables of both distributions of starlight.

    Attributes
    ----------
    wave_aa : (m,) 1-1000 um.
    q_pah_percent, u_min : (n_q,), (n_u,) nodes, increasing.
    templates : (2 * n_q * n_u, m) luminosity per Angstrom and hydrogen atom, in units of 1e-24 erg/s: one intensity,
        then the power law; then by q_PAH; then by U_min.
    """

    wave_aa: np.ndarray
    q_pah_percent: np.ndarray
    u_min: np.ndarray
    templates: np.ndarray


@dataclass(frozen=True)
class DraineLi:
    """A dust emission model (`sfhsim.dust.emission`) from those of the tables whose grains begin with ``grains``."""

    name: str
    grains: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """q_pah_percent, u_min and gamma."""
        return PARAMETERS

    @property
    def wave_aa(self) -> np.ndarray:
        """(m,) 1-1000 um."""
        return load_tables(self.grains).wave_aa

    @property
    def templates(self) -> np.ndarray:
        """See `DraineLiTables`."""
        return load_tables(self.grains).templates

    def mixture(self, params: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The eight templates (n, 8) around each galaxy's parameters, and their weights (n, 8), which sum to 1."""
        tables = load_tables(self.grains)
        n_q, n_u = tables.q_pah_percent.size, tables.u_min.size
        (q, of_q), (u, of_u) = (
            bracket(nodes, params[name])
            for nodes, name in ((tables.q_pah_percent, "q_pah_percent"), (tables.u_min, "u_min"))
        )
        index, share = [], []
        for power_law, of_gamma in enumerate((1.0 - params["gamma"], params["gamma"])):
            for q_up, u_up in ((0, 0), (0, 1), (1, 0), (1, 1)):
                index.append((power_law * n_q + q + q_up) * n_u + u + u_up)
                share.append(of_gamma * (of_q if q_up else 1.0 - of_q) * (of_u if u_up else 1.0 - of_u))
        return np.stack(index, axis=1), np.stack(share, axis=1)

    def spectrum(self, params: dict[str, np.ndarray]) -> np.ndarray:
        """(n, m) per Angstrom and hydrogen atom."""
        index, share = self.mixture(params)
        templates = self.templates
        out = np.zeros((len(index), templates.shape[1]))
        for k in range(index.shape[1]):
            out += share[:, k, None] * templates[index[:, k]]
        return out

    @staticmethod
    def tables_file() -> bytes:
        """The content of the file that the tables are read from."""
        return (resources.files("sfhsim") / "data" / "dust" / _FILE).read_bytes()


@functools.cache
def load_tables(grains: str = "") -> DraineLiTables:
    """The tables that ship with the package, of grains whose name begins so (cached: one copy in a process)."""
    with (resources.files("sfhsim") / "data" / "dust" / _FILE).open("rb") as file, np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    used = np.array([name.startswith(grains) for name in arrays["grains"]])
    relative = arrays["relative"][:, used].astype(np.float64)  # halves
    templates = relative * arrays["pixel_scale"] * arrays["template_scale"][:, used, :, None]
    tables = DraineLiTables(
        arrays["wave_aa"],
        arrays["q_pah_percent"][used],
        arrays["u_min"],
        templates.reshape(-1, arrays["wave_aa"].size),
    )
    for array in vars(tables).values():
        array.setflags(write=False)
    return tables


for _model in (DraineLi("draine_li_2007", grains="MW"), DraineLi("draine_li_2007_bagpipes", grains="")):
    register_dust_emission(_model)
