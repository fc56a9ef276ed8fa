"""Infrared emission of dust by Dale et al. (2014, ApJ 784, 83): one parameter, for galaxies without an active nucleus.

Dust mass is distributed over intensities U of starlight as dM ~ U^-alpha_SF dU, 0.3 <= U <= 10^5 (Dale & Helou 2002,
ApJ 576, 159): a small alpha_SF is warm dust of starbursts, a large one the cool dust of quiescent discs; most galaxies
lie between 1 and 3. Between the templates' alpha_SF, spectra of equal luminosity are interpolated linearly.

The templates are their authors' and not shipped: `sfhsim.dust.dale_install` reads the file that they publish.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from sfhsim.dust.emission import register_dust_emission
from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.histories.parameters import Parameter
from sfhsim.interpolation import bracket
from sfhsim.libraries.places import data_home

INSTALL_COMMAND = "sfhsim dust install dale_2014 --from FILE"
LOWEST, HIGHEST = 0.0625, 4.0  # alpha_SF of the published templates


@dataclass(frozen=True, eq=False)
class DaleTables:
    """The installed templates.

    Attributes
    ----------
    wave_aa : (m,) increasing.
    alpha_sf : (k,) increasing.
    templates : (k, m) luminosity per Angstrom of dust that emits 1 Lsun, without starlight.
    """

    wave_aa: np.ndarray
    alpha_sf: np.ndarray
    templates: np.ndarray


class Dale2014:
    """The dust emission model ``dale_2014`` (`sfhsim.dust.emission`)."""

    name: ClassVar[str] = "dale_2014"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("alpha_sf", "", "power of the intensities that heat the dust: small is warm", 2.0, LOWEST, HIGHEST),
    )

    @property
    def wave_aa(self) -> np.ndarray:
        """(m,) of the installed templates."""
        return load_tables().wave_aa

    @property
    def templates(self) -> np.ndarray:
        """See `DaleTables`."""
        return load_tables().templates

    def mixture(self, params: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The two templates (n, 2) around each galaxy's alpha_SF, and their weights (n, 2), which sum to 1."""
        index, share = bracket(load_tables().alpha_sf, params["alpha_sf"])
        return np.stack([index, index + 1], axis=1), np.stack([1.0 - share, share], axis=1)

    def spectrum(self, params: dict[str, np.ndarray]) -> np.ndarray:
        """(n, m) per Angstrom."""
        index, share = self.mixture(params)
        return share[:, :1] * self.templates[index[:, 0]] + share[:, 1:] * self.templates[index[:, 1]]

    @staticmethod
    def tables_file() -> bytes:
        """The numbers of the installed templates."""
        tables = load_tables()
        return b"".join(array.tobytes() for array in (tables.wave_aa, tables.alpha_sf, tables.templates))


def installed_path() -> Path:
    """Where the installed templates are kept."""
    return data_home() / "dust" / "dale_2014.npz"


def load_tables() -> DaleTables:
    """The installed templates (one copy in a process).

    Raises
    ------
    MissingDataError
        If there are none; the message holds the command that installs them.
    LibraryError
        If the file cannot be read as them.
    """
    path = installed_path()
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise MissingDataError(
            f"the templates of dale_2014 are not at {path}: their authors publish them as spectra.0.00AGN.dat "
            f"(Dale et al. 2014, ApJ 784, 83), `{INSTALL_COMMAND}` installs that file"
        ) from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise LibraryError(f"{path} cannot be read ({error}): `{INSTALL_COMMAND}` makes it anew") from error


@functools.lru_cache(maxsize=1)
def _read(path: Path, _changed: int) -> DaleTables:
    with np.load(path) as stored:
        tables = DaleTables(*(np.asarray(stored[name], dtype=np.float64) for name in DaleTables.__annotations__))
    m, k = tables.wave_aa.size, tables.alpha_sf.size
    if tables.templates.shape != (k, m) or min(m, k) < 2:
        raise ValueError(f"templates of shape {tables.templates.shape} for {k} alpha_SF and {m} wavelengths")
    for array in vars(tables).values():
        array.setflags(write=False)
    return tables


register_dust_emission(Dale2014())
