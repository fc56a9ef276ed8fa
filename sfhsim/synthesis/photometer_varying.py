"""Photometry at a redshift of each galaxy's own: columns are cells of rest-frame wavelength."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sfhsim import elementary
from sfhsim.constants import C_KMS
from sfhsim.instrument import pixel_edges, rebin_operator
from sfhsim.instrument.filters import Filter
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.detectors import Lines
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.photometer_base import Photometer
from sfhsim.synthesis.photometer_fixed import FixedPhotometer

CELL_LN_WAVE = 0.0015
RESPONSE_LN_WAVE = 1.0e-4  # of the curves that lines are read from


class _LineByLine(Photometer):
    """A photometer that is given lines one by one, some of which may move against the stars."""

    STORED: ClassVar[tuple[str, ...]] = ("column_wave_aa", "_line_wave_aa", "_line_offsets", "_counted", "_tables")

    def __init__(self, recipe: Recipe, plan: ParameterPlan, filters: list[Filter]):
        super().__init__(recipe, plan, filters)
        self.set_lines([])

    def sees_lines(self, lines: Lines) -> np.ndarray:
        """Those that may fall into a band: `band_flux` takes them one by one."""
        if not lines.offset:
            return self._in_a_band(lines.wave_aa)
        low, high = (lines.wave_aa * (1 + kms / C_KMS) for kms in self._plan.bounds(lines.offset))
        return self._in_a_band(low) | self._in_a_band(high)

    def line_columns(self, lines: Lines) -> None:
        """None: lines are taken one by one."""

    def set_lines(self, lines: list[Lines]) -> None:
        """All lines of readings."""
        self._line_wave_aa = np.concatenate([np.zeros(0), *(own.wave_aa for own in lines)])
        self._line_offsets = [own.offset for own in lines for _ in own.wave_aa]
        seen = [self.sees_lines(own) for own in lines]
        self._counted = np.flatnonzero(np.concatenate([np.zeros(0, dtype=bool), *seen]))
        self._tables = None

    def state(self) -> dict:
        """As `Stored.state`; the tables are made first."""
        self._made_tables()
        return super().state()

    def _moved(self, draws: Draws) -> np.ndarray:
        """(1 or n, n_line) what the velocities of lines against the stars make of 1 Angstrom."""
        offsets = dict.fromkeys(filter(None, self._line_offsets))
        moved = np.ones((len(draws) if offsets else 1, self._line_wave_aa.size))
        for offset in offsets:
            own = np.array([name == offset for name in self._line_offsets])
            moved[:, own] += draws.values[offset][:, None] / C_KMS
        return moved

    def _means(self, cells: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """(n, n_band) of cells (n, n_cell) and of all lines."""
        from sfhsim.kernels.bands import band_means

        tables = self._made_tables()
        if lines is None:
            tables = tables._replace(line_log_wave=np.zeros(0))
            counted, log_shift = np.zeros((len(draws), 0)), np.zeros((1, 0))
        else:
            counted = np.ascontiguousarray(lines[:, self._counted], dtype=np.float64)
            log_shift = elementary.log(self._moved(draws)[:, self._counted])
        out = np.empty((len(draws), len(self.filters)))
        band_means(cells, counted, log_shift, 1 + draws.values["redshift"], tables, out)
        return out

    def _made_tables(self):
        if self._tables is None:
            self._tables = self._band_tables()
        return self._tables

    def _band_tables(self):
        """Tables of the kernel: curves from which lines are read, and no cells."""
        from sfhsim.kernels.bands import BandTables

        n = len(self.filters)
        size = 2 + max(int(elementary.log(f.wave_aa[-1] / f.wave_aa[0]) / RESPONSE_LN_WAVE) for f in self.filters)
        first = np.array([elementary.log(f.wave_aa[0]) for f in self.filters])
        observed = elementary.exp(first[:, None] + RESPONSE_LN_WAVE * np.arange(size))
        response = [
            np.interp(wave, f.wave_aa, f.throughput, right=0.0) * wave / f.norm_aa2
            for f, wave in zip(self.filters, observed, strict=True)
        ]
        return BandTables(
            starts=np.zeros(n + 1, dtype=np.intp),
            cell_log_step=np.ones(n),
            log_stretch_low=0.0,
            photons=np.zeros(0, dtype=np.float32),
            photons_first=np.zeros(n, dtype=np.intp),
            photons_width=np.zeros(n, dtype=np.intp),
            line_log_wave=elementary.log(self._line_wave_aa[self._counted]),
            response=np.stack(response),
            response_first=first,
            response_step=RESPONSE_LN_WAVE,
        )


class MovingLinesPhotometer(_LineByLine, FixedPhotometer):
    """One redshift for all galaxies, but a velocity of the gas for each; see `sfhsim.synthesis.photometer`."""

    def band_flux(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """As `FixedPhotometer.band_flux`."""
        of_lines = self._means(np.zeros((len(draws), 0), dtype=np.float32), lines, draws)
        return super().band_flux(attenuated, None, draws) + of_lines


class VaryingPhotometer(_LineByLine):
    """A redshift for every galaxy; see `sfhsim.synthesis.photometer`."""

    STORED: ClassVar[tuple[str, ...]] = (*_LineByLine.STORED, "_starts", "_groups")

    def __init__(self, recipe: Recipe, plan: ParameterPlan, filters: list[Filter]):
        super().__init__(recipe, plan, filters)
        self._integrals = [_photon_integral(f) for f in self.filters]
        self._redshift_range = plan.bounds("redshift")

    def compile(self, library: SSPLibrary) -> None:
        """Cells of each filter, over all redshifts."""
        low_z, high_z = self._redshift_range
        for f in self.filters:
            for z in (low_z, high_z):
                f.check_coverage(
                    library.wave_aa[0] * (1 + z),
                    library.wave_aa[-1] * (1 + z),
                    f"library {library.name} at z = {z:g}",
                )
        self._n_wave = library.shape[2]
        self._groups = [self._cells(f, low_z, high_z, library) for f in self.filters]
        own = [self._own_columns(edges) for edges in self._groups]
        self.column_wave_aa = np.concatenate(own)
        self._starts = np.cumsum([0, *(wave.size for wave in own)])

    @staticmethod
    def _cells(band: Filter, low_z: float, high_z: float, library: SSPLibrary) -> np.ndarray:
        """Rest-frame cell edges that the filter can see."""
        low = max(band.wave_aa[0] / (1 + high_z), library.wave_aa[0])
        high = min(band.wave_aa[-1] / (1 + low_z), library.wave_aa[-1])
        return elementary.geomspace(low, high, max(2, int(np.ceil(elementary.log(high / low) / CELL_LN_WAVE))) + 1)

    @staticmethod
    def _own_columns(edges_aa: np.ndarray) -> np.ndarray:
        """Wavelengths of the columns of one filter's cells."""
        return 0.5 * (edges_aa[1:] + edges_aa[:-1])

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """See `Detector`."""
        return np.concatenate([(rebin_operator(wave_aa, edges) @ flux.T).T for edges in self._groups], axis=1)

    def band_flux(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """As `FixedPhotometer.band_flux`."""
        return self._means(np.ascontiguousarray(attenuated, dtype=np.float32), lines, draws)

    def _band_tables(self):
        """As `_LineByLine._band_tables`, with photons per cell against ln wavelength."""
        from sfhsim.kernels.bands import PHASES

        low, high = (elementary.log(1 + z) for z in self._redshift_range)
        steps = np.array([elementary.log(edges[-1] / edges[0]) / (edges.size - 1) for edges in self._groups])
        photons = []
        for band, integral, edges, step in zip(self.filters, self._integrals, self._groups, steps, strict=True):
            width = edges.size + 1 + int((high - low) / step)
            fine = edges[0] * elementary.exp(low + step / PHASES * np.arange((width + 2) * PHASES + 1))
            whole = integral(fine)
            counted = ((whole[PHASES:] - whole[:-PHASES]) / band.norm_aa2).astype(np.float32)
            photons.append(np.stack([counted[p : p + width * PHASES : PHASES] for p in range(PHASES + 1)]))
        return (
            super()
            ._band_tables()
            ._replace(
                starts=self._starts.astype(np.intp),
                cell_log_step=steps,
                log_stretch_low=float(low),
                photons=np.concatenate([table.ravel() for table in photons]),
                photons_first=np.cumsum([0, *(table.size for table in photons)])[:-1].astype(np.intp),
                photons_width=np.array([table.shape[1] for table in photons], dtype=np.intp),
            )
        )


class LogPhotometer(VaryingPhotometer):
    """ProSpect's interpolation in log flux; see `sfhsim.synthesis.photometer`."""

    def _made_tables(self) -> None:
        """None: cells are weighed galaxy by galaxy."""

    @staticmethod
    def _cells(band: Filter, low_z: float, high_z: float, library: SSPLibrary) -> np.ndarray:
        first = np.searchsorted(library.wave_aa, band.wave_aa[0] / (1 + high_z)) - 1
        last = np.searchsorted(library.wave_aa, band.wave_aa[-1] / (1 + low_z)) + 1
        return np.asarray(library.wave_aa[max(first, 0) : last], dtype=np.float64)

    @staticmethod
    def _own_columns(edges_aa: np.ndarray) -> np.ndarray:
        return edges_aa

    @staticmethod
    def _cell_means(columns: np.ndarray) -> np.ndarray:
        """Mean flux density of each cell (n, n_cell) from its columns."""
        a, b = columns[:, :-1], columns[:, 1:]
        positive = (a > 0) & (b > 0)
        x = elementary.log(np.where(positive, b / np.where(positive, a, 1.0), 1.0))
        # (b - a) / ln(b/a) by its series where the pixels are nearly equal
        near = np.abs(x) < 1e-3
        ratio = np.where(near, 1 + x / 2 + x * x / 6, elementary.expm1(x) / np.where(near, 1.0, x))
        return np.where(positive, a * ratio, 0.5 * (a + b))

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """Native pixels of each filter (k, n_column); of other wavelengths, their means over these."""
        if len(wave_aa) != self._n_wave:
            edges = [pixel_edges(wave) for wave in self._groups]
            return np.concatenate([(rebin_operator(wave_aa, e) @ np.asarray(flux).T).T for e in edges], axis=1)
        first = [np.searchsorted(wave_aa, edges[0]) for edges in self._groups]
        return np.concatenate(
            [flux[:, k : k + edges.size] for k, edges in zip(first, self._groups, strict=True)], axis=1
        )

    def band_flux(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """As `FixedPhotometer.band_flux`, from the photons of each cell at each redshift."""
        stretch = 1 + draws.values["redshift"][:, None]
        out = np.empty((len(draws), len(self.filters)))
        for k, (band, edges, integral) in enumerate(zip(self.filters, self._groups, self._integrals, strict=True)):
            photons = np.diff(integral(edges[None, :] * stretch)) / band.norm_aa2
            own = attenuated[:, self._starts[k] : self._starts[k + 1]].astype(np.float64)
            out[:, k] = (self._cell_means(own) * photons).sum(axis=1)
            if lines is not None:
                observed = self._line_wave_aa * self._moved(draws) * stretch
                response = np.interp(observed, band.wave_aa, band.throughput, left=0.0, right=0.0) * observed
                out[:, k] += (lines * response).sum(axis=1) * stretch[:, 0] / band.norm_aa2
        return out


def _photon_integral(band: Filter):
    """The function Int_0^l R l' dl' for a curve R that is linear between its points."""
    x, r = band.wave_aa, band.throughput
    slope = np.diff(r) / np.diff(x)

    def partial(k, to):
        """Int from x_k to ``to`` of (r_k + slope (l - x_k)) l dl."""
        step = to - x[k]
        return x[k] * (r[k] * step + slope[k] * step**2 / 2) + r[k] * step**2 / 2 + slope[k] * step**3 / 3

    whole = np.concatenate([[0.0], np.cumsum(partial(np.arange(x.size - 1), x[1:]))])

    def integral(to: np.ndarray) -> np.ndarray:
        to = np.clip(to, x[0], x[-1])
        k = np.clip(np.searchsorted(x, to, side="right") - 1, 0, x.size - 2)
        return whole[k] + partial(k, to)

    return integral
