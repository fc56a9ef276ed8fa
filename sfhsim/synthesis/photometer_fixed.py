"""Photometry at one redshift: columns are Chebyshev nodes of each filter (`sfhsim.instrument.photometry`)."""

from __future__ import annotations

import numpy as np

from sfhsim.constants import C_KMS
from sfhsim.instrument import PhotometryOperator
from sfhsim.instrument.photometry import sum_of_nodes
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.synthesis.detectors import Lines
from sfhsim.synthesis.draws import Draws
from sfhsim.synthesis.photometer_base import Photometer


class FixedPhotometer(Photometer):
    """One redshift for all galaxies; see `sfhsim.synthesis.photometer`."""

    def compile(self, library: SSPLibrary) -> None:
        """Nodes of each filter at the redshift, and the operator that brings templates there."""
        redshift = self._plan.constant("redshift")
        self._operator = PhotometryOperator(self.filters, library.wave_aa, redshift)
        self.column_wave_aa = self._operator.node_wave_aa
        self._n_wave, self._redshift = library.shape[2], redshift

    def line_columns(self, lines: Lines) -> np.ndarray | None:
        """Columns (n_line, n_column) of lines of 1 Lsun, all as wide as the middle of their width's range."""
        kms = 0.5 * sum(np.minimum(self._plan.bounds(lines.width), 1.0e3))
        wave_aa = lines.wave_aa * (1 + self._plan.constant(lines.offset) / C_KMS if lines.offset else 1)
        return self._operator.line_matrix(wave_aa, wave_aa * kms / C_KMS)

    def columns(self, wave_aa: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """See `Detector`."""
        if len(wave_aa) == self._n_wave:
            return self._operator.apply(flux)
        return PhotometryOperator(self.filters, wave_aa, self._redshift).apply(flux)

    def band_flux(self, attenuated: np.ndarray, lines: np.ndarray | None, draws: Draws) -> np.ndarray:
        """Photon-weighted mean of the rest-frame flux density (n, n_band) in the observed bands, Lsun/Angstrom."""
        return sum_of_nodes(attenuated, len(self.filters)).astype(np.float64)
