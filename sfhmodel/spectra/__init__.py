"""Observed spectra: reading them in the layouts of the field, and bringing them to a model's grid."""

from sfhmodel.spectra.observed import ObservedSpectrum
from sfhmodel.spectra.options import PreparationSettings, ReadOptions
from sfhmodel.spectra.prepare import PreparedSpectra, SpectrumPreparer
from sfhmodel.spectra.registry import Layout, layouts, read_pieces, read_spectra, register_layout
from sfhmodel.spectra.sky import sky_windows

__all__ = [
    "Layout",
    "ObservedSpectrum",
    "PreparationSettings",
    "PreparedSpectra",
    "ReadOptions",
    "SpectrumPreparer",
    "layouts",
    "read_pieces",
    "read_spectra",
    "register_layout",
    "sky_windows",
]
