"""A cube of spectra as a stream of rows: whatever its size, a few rows of it are in memory.

Layouts, units, errors and masks are those that `sfhmodel.spectra` knows (MUSE, MaNGA, CALIFA, KCWI, JWST, GMOS ...);
the file is read by sections, and only where the model looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.mapping.kernels import keep_sound
from sfhmodel.mapping.sections import Sections, sections_of
from sfhmodel.spectra.assembly import calibrated, resolution_of_header
from sfhmodel.spectra.checks import filled
from sfhmodel.spectra.fits_axis import Axis
from sfhmodel.spectra.fits_images import squared_inverse_error
from sfhmodel.spectra.observed import check_wavelengths
from sfhmodel.spectra.options import ReadOptions
from sfhmodel.spectra.raw import RawSpectra, Values
from sfhmodel.spectra.sky import in_sky_window
from sfhmodel.spectra.source import SourceFile, open_source
from sfhmodel.spectra.uncertainties import pixel_scatter
from sfhmodel.spectra.wavelength_guards import wavelengths_aa
from sfhsim.air import vacuum_to_air

_HUGE = 1e5  # times a spectrum's typical error: its maker marked the pixel as bad
_BYTES_PER_VALUE = 50  # of a block that is worked on, and of the next one while it is read and converted


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a cube, spaxel after spaxel.

    Attributes
    ----------
    first_row : of the cube.
    flux, sigma : (n_y n_x, m) float32.
    good : (n_y n_x, m) bool.
    """

    first_row: int
    flux: np.ndarray
    sigma: np.ndarray
    good: np.ndarray


class Cube:
    """An opened cube; made by `open_cube`.

    Attributes
    ----------
    path : of the file.
    shape : (n_y, n_x) spaxels.
    wave_aa : (m,) observed wavelengths of all pixels, increasing.
    medium : 'air' or 'vacuum', of them.
    unit : of the fluxes, as the file or the user says; '' where nobody does.
    redshift : in the file, or None.
    header : of the fluxes, for a WCS.
    fwhm_aa : (m,) of the line-spread function, or None.
    instrument : as the header names it, or ''.
    is_manga, is_califa : whose cubes have a covariance of their own.
    covariance_limit : of a mock cube, by how much the noise of many spaxels exceeds that of independent ones, or None.
    errors_are_known : whether the file holds any.
    notes : what was assumed.
    """

    def __init__(self, source: SourceFile, options: ReadOptions):
        self._source, self._options = source, options
        self._sections: Sections = sections_of(source, options)
        axis: Axis = self._sections.axis
        wave_aa = wavelengths_aa(axis.wave, options, source.notes)
        self._reversed = bool(wave_aa.size > 1 and wave_aa[0] > wave_aa[-1])
        self.wave_aa = check_wavelengths(wave_aa[::-1] if self._reversed else wave_aa, f"{source.path}: ")
        self.medium = source.medium(options, "vacuum" if self._sections.is_manga else "air", axis.medium)
        self.path, self.shape, self.notes = source.path, self._sections.shape, source.notes
        self.header, self.is_manga = self._sections.header, self._sections.is_manga
        self.instrument = str(source.header_value("INSTRUME") or "").strip()
        self.is_califa = source.header_value("CALIFAID") is not None
        limit = source.header_value("COVSPAT")
        self.covariance_limit = float(limit) if isinstance(limit, int | float) and np.isfinite(limit) else None
        self.unit = options.flux_unit or self._sections.unit
        self.errors_are_known = self._sections.has_errors
        self.redshift = self._redshift()
        fwhm_aa = self._sections.fwhm_aa
        if fwhm_aa is None:
            fwhm_aa = resolution_of_header(source, self.wave_aa)
        elif self._reversed:
            fwhm_aa = fwhm_aa[::-1]
        self.fwhm_aa = fwhm_aa

    def _redshift(self) -> float | None:
        if isinstance(self._options.redshift, int | float):
            return float(self._options.redshift)
        found = self._source.redshift()
        if found is None:
            return None
        value = float(np.ravel(found[0])[0])
        self.notes.append(f"redshift {value:.6g} from {found[1]} (--redshift)")
        return value

    @property
    def n_spaxel(self) -> int:
        return self.shape[0] * self.shape[1]

    def window(self, low_aa: float, high_aa: float) -> slice:
        """The pixels that reach into a range of observed wavelengths."""
        inside = np.flatnonzero((self.wave_aa >= low_aa) & (self.wave_aa <= high_aa))
        if inside.size < 2:
            return slice(0, 0)
        return slice(max(int(inside[0]) - 1, 0), min(int(inside[-1]) + 2, self.wave_aa.size))

    def rows_per_block(self, window: slice, memory_bytes: float) -> int:
        """Rows that fit into so much memory while they are read; at least one."""
        per_row = self.shape[1] * (window.stop - window.start) * _BYTES_PER_VALUE
        return int(np.clip(memory_bytes // max(per_row, 1), 1, self.shape[0]))

    def blocks(
        self, window: slice, rows: int, first_row: int = 0, *, mask_sky: bool = True, wanted: np.ndarray | None = None
    ) -> Iterator[Block]:
        """Blocks of rows, from that which holds ``first_row`` on; the next one is read while one is worked on.

        Parameters
        ----------
        window : of the wavelengths, see `window`.
        rows : in a block; they begin at multiples of it.
        mask_sky : leave out the windows of `sfhmodel.spectra.sky`.
        wanted : (n_y, n_x) bool; blocks without such spaxels are skipped.
        """
        keep = np.ones(window.stop - window.start, dtype=bool)
        if mask_sky:
            wave_aa = self.wave_aa[window]
            keep = ~in_sky_window(vacuum_to_air(wave_aa) if self.medium == "vacuum" else wave_aa)
        starts = [
            start
            for start in range(first_row // rows * rows, self.shape[0], rows)
            if wanted is None or wanted[start : start + rows].any()
        ]

        def read(start: int) -> Block:
            return self._block(start, min(start + rows, self.shape[0]), window, keep)

        with ThreadPoolExecutor(1) as reader:
            following = [reader.submit(read, start) for start in starts[:1]]
            for at in range(len(starts)):
                block = following.pop().result()
                following += [reader.submit(read, start) for start in starts[at + 1 : at + 2]]
                yield block
                del block

    def _block(self, start: int, stop: int, window: slice, keep: np.ndarray) -> Block:
        m = self.wave_aa.size
        raw_window = slice(m - window.stop, m - window.start) if self._reversed else window
        flux, error, mask = self._sections.read(slice(start, stop), raw_window)
        if error is not None and error.kind == "inverse_error":
            error = squared_inverse_error(error)
        wave_aa = self.wave_aa[window][::-1] if self._reversed else self.wave_aa[window]
        raw = RawSpectra(Values(wave_aa, "Angstrom", self._sections.axis.wave.where), flux, error, mask)
        notes = self.notes if start == 0 else []
        arrays = calibrated(raw, self._options, notes)
        usable = ~filled(arrays.flux)
        if arrays.good is not None:
            usable &= arrays.good
        usable &= keep[::-1] if self._reversed else keep
        sigma = _scatter_of(arrays.flux, usable) if arrays.sigma is None else arrays.sigma
        parts = (x[:, ::-1] if self._reversed else x for x in (arrays.flux, sigma))
        with np.errstate(over="ignore"):
            values, sigma = (np.ascontiguousarray(x, dtype=np.float32) for x in parts)
        good = np.ascontiguousarray(usable[:, ::-1] if self._reversed else usable)
        keep_sound(values, sigma, good, _HUGE)
        return Block(start, values, sigma, good)


def _scatter_of(flux: np.ndarray, good: np.ndarray) -> np.ndarray:
    """(n, m) the noise of each spectrum from its pixels, where a file has no errors."""
    good = good & np.isfinite(flux)
    noise = np.array([pixel_scatter(f[g].astype(np.float64)) for f, g in zip(flux, good, strict=True)])
    return np.broadcast_to(noise[:, None], flux.shape)


@contextmanager
def open_cube(path: str | Path, options: ReadOptions | None = None) -> Iterator[Cube]:
    """Open a cube; packed files are unpacked into memory.

    Raises
    ------
    InputError
        No such file, no cube in it, wavelengths that are not known, a redshift that is no number.
    """
    options = options or ReadOptions()
    if options.redshift is not None and not isinstance(options.redshift, int | float):
        raise InputError(f"redshift {str(options.redshift)!r}: of a cube it must be a number")
    with open_source(Path(path).expanduser()) as source:
        try:
            yield Cube(source, options)
        except InputError as error:
            raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error
