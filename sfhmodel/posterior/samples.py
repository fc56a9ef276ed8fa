"""Samples of the posterior of some galaxies, what follows from them, and the file of both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.files import written_whole

_UNITS_YR = {"yr": 1.0, "kyr": 1e3, "Myr": 1e6, "Gyr": 1e9}
_LEVELS = (0.16, 0.5, 0.84)
_OF_CORRECTION = {  # columns of corrected samples, FITS formats
    "effective_samples": "D",
    "steps": "J",
    "renewed": "D",
    "weighted_samples": "D",
}
_WINDOW = re.compile(r"^\s*([\d.eE+]+)\s*-\s*([\d.eE+]+)\s*(yr|kyr|Myr|Gyr)\s*$")


def window_yr(text: str) -> tuple[float, float]:
    """A range of lookback time, e.g. 0-100Myr, in yr.

    Raises
    ------
    InputError
        Not of that form, or not from less to more.
    """
    found = _WINDOW.match(text)
    try:
        low, high = (float(found[k]) * _UNITS_YR[found[3]] for k in (1, 2)) if found else (np.nan, np.nan)
    except ValueError:
        low = high = np.nan
    if not 0.0 <= low < high:
        raise InputError(f"no window of lookback time {text!r}: write it as 0-100Myr or 1-2Gyr")
    return low, high


def check_window(edges_yr: np.ndarray, low_yr: float, high_yr: float) -> None:
    """InputError where a window is not within the age bins (n_age_bin + 1 edges)."""
    if not edges_yr[0] <= low_yr < high_yr <= edges_yr[-1]:
        raise InputError(
            f"no window from {low_yr:g} to {high_yr:g} yr: the age bins are from {edges_yr[0]:g} to {edges_yr[-1]:g} yr"
        )


@dataclass(frozen=True, eq=False)
class PosteriorSamples:
    """Samples of n galaxies, n_sample each; those of one number belong together.

    Attributes
    ----------
    names : (n,)
    age_bin_edges_yr : (n_age_bin + 1,) lookback time.
    mass_fraction : (n, n_sample, n_age_bin) of the mass formed, sums to 1.
    log10_metallicity_mass, log10_metallicity_light : (n, n_sample) log10 of mean Z.
    a_v_mag : (n, n_sample)
    model, seed : what made them.
    parameters : of a recipe, by name, each (n, n_sample), where they are samples of these.
    effective_samples : (n,) of those that were weighed by a simulator: the effective sample size of the flow's.
    steps : (n,) in which they were weighed.
    renewed : (n,) times that samples were made anew in a step, at least; below 2 they hang together.
    weighted_samples : (n,) the effective sample size of the weights that they were drawn by at last; 0 where these were
        worth too little, and the samples are those of before.
    """

    names: tuple[str, ...]
    age_bin_edges_yr: np.ndarray
    mass_fraction: np.ndarray
    log10_metallicity_mass: np.ndarray
    log10_metallicity_light: np.ndarray
    a_v_mag: np.ndarray
    model: str = ""
    seed: int = 0
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    effective_samples: np.ndarray | None = None
    steps: np.ndarray | None = None
    renewed: np.ndarray | None = None
    weighted_samples: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    def formation_time_yr(self, share: float) -> np.ndarray:
        """(n, n_sample) lookback time [yr] by which this share of the mass had formed; t50 for 0.5.

        The star formation rate is constant within a bin.
        """
        if not 0.0 < share < 1.0:
            raise InputError(f"a share of the mass formed must be between 0 and 1, got {share:g}")
        younger = np.concatenate(
            [np.zeros((*self.mass_fraction.shape[:2], 1)), np.cumsum(self.mass_fraction, axis=-1)], axis=-1
        )
        younger[..., -1] = 1.0
        edges, wanted = self.age_bin_edges_yr, 1.0 - share
        upper = np.clip((younger < wanted).sum(axis=-1), 1, edges.size - 1)
        low, high = (np.take_along_axis(younger, (upper + k)[..., None], -1)[..., 0] for k in (-1, 0))
        part = np.where(high > low, (wanted - low) / np.where(high > low, high - low, 1.0), 0.0)
        return edges[upper - 1] + part * (edges[upper] - edges[upper - 1])

    def window_fraction(self, low_yr: float, high_yr: float) -> np.ndarray:
        """(n, n_sample) share of the mass that formed between two lookback times.

        Raises
        ------
        InputError
            The window is not within the age bins.
        """
        edges = self.age_bin_edges_yr
        check_window(edges, low_yr, high_yr)
        inside = np.clip(np.minimum(edges[1:], high_yr) - np.maximum(edges[:-1], low_yr), 0.0, None) / np.diff(edges)
        return self.mass_fraction @ inside

    def quantities(self, windows: Sequence[str] = ("0-100Myr",)) -> dict[str, tuple[str, np.ndarray]]:
        """Name: (unit, (n, n_sample)) of what follows from the samples.

        ``windows`` of lookback time give star formation rates per mass formed (`ssfr_...`, 1/yr).
        """
        young = self.age_bin_edges_yr[:-1]
        middle = np.log10(0.5 * (young + self.age_bin_edges_yr[1:]))
        found = {
            "log10_t50_yr": ("dex(yr)", np.log10(self.formation_time_yr(0.5))),
            "log10_t90_yr": ("dex(yr)", np.log10(np.maximum(self.formation_time_yr(0.9), 1.0))),
            "mean_log10_age_yr": ("dex(yr)", self.mass_fraction @ middle),
            "log10_metallicity_mass": ("dex", self.log10_metallicity_mass),
            "log10_metallicity_light": ("dex", self.log10_metallicity_light),
            "a_v_mag": ("mag", self.a_v_mag),
        }
        for window in windows:
            low, high = window_yr(window)
            name = f"ssfr_{window.replace(' ', '').replace('-', '_').lower()}"
            found[name] = ("yr-1", self.window_fraction(low, high) / (high - low))
        return found

    def table(self, windows: Sequence[str] = ("0-100Myr",)):
        """astropy Table, a row a galaxy: medians, and 16 and 84% as ``_lo`` and ``_hi``, of `quantities`."""
        from astropy.table import Table

        table = Table({"name": list(self.names)})
        for name, (unit, values) in self.quantities(windows).items():
            low, middle, high = np.quantile(values, _LEVELS, axis=1)
            for column, value in ((name, middle), (f"{name}_lo", low), (f"{name}_hi", high)):
                table[column] = value
                table[column].unit = unit
        for name in _OF_CORRECTION:
            if (values := getattr(self, name)) is not None:
                table[name] = values
        return table

    def write(self, path: str | Path, windows: Sequence[str] = ("0-100Myr",), overwrite: bool = False) -> Path:
        """A FITS file: the table (QUANTITIES), AGE_BINS, and the samples, an image each.

        PARAMETERS are (n, n_sample, n_parameter), named PAR1, PAR2 ... in its header.

        Raises
        ------
        ConfigError
            The file exists and is not to be overwritten, or cannot be written.
        """
        from astropy.io import fits

        edges, table = self.age_bin_edges_yr, self.table(windows)
        primary = fits.PrimaryHDU()
        primary.header["MODEL"], primary.header["SEED"] = _ascii(self.model), self.seed
        names = [_ascii(name) for name in self.names]
        columns = [fits.Column("name", f"{max(map(len, names))}A", array=np.array(names))]
        for name, (unit, _) in self.quantities(windows).items():
            columns += [fits.Column(c, "D", unit, array=table[c]) for c in (name, f"{name}_lo", f"{name}_hi")]
        told = {name: kind for name, kind in _OF_CORRECTION.items() if name in table.colnames}
        columns += [fits.Column(name, kind, array=table[name]) for name, kind in told.items()]
        bins = [fits.Column("young_yr", "D", "yr", array=edges[:-1]), fits.Column("old_yr", "D", "yr", array=edges[1:])]
        hdus = [
            primary,
            fits.BinTableHDU.from_columns(columns, name="QUANTITIES"),
            fits.BinTableHDU.from_columns(bins, name="AGE_BINS"),
        ]
        for name, unit in (
            ("mass_fraction", ""),
            ("log10_metallicity_mass", "dex"),
            ("log10_metallicity_light", "dex"),
            ("a_v_mag", "mag"),
        ):
            hdu = fits.ImageHDU(getattr(self, name).astype(np.float32), name=name.upper())
            if unit:
                hdu.header["BUNIT"] = unit
            hdus.append(hdu)
        if self.parameters:
            hdu = fits.ImageHDU(np.stack(list(self.parameters.values()), axis=-1), name="PARAMETERS")
            for k, name in enumerate(self.parameters):
                hdu.header[f"PAR{k + 1}"] = _ascii(name)
            hdus.append(hdu)
        path = Path(path)
        with written_whole(path, overwrite) as temporary:
            fits.HDUList(hdus).writeto(temporary, overwrite=True)
        return path


def _ascii(text: str) -> str:
    """What a FITS file can hold; other letters become question marks."""
    return text.encode("ascii", "replace").decode()
