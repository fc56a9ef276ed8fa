"""From a rest-frame spectrum to what an instrument records: resolution, pixels, filters, noise."""

from sfhsim.instrument.filter_sources import filter_names, load_filter
from sfhsim.instrument.filters import Filter
from sfhsim.instrument.lsf import LSF_REGISTRY, broadening_sigma_aa, make_lsf, register_lsf
from sfhsim.instrument.measurements import MEASUREMENTS, Measurement, get_measurement, register_measurement
from sfhsim.instrument.noise import add_noise, error_spectrum, photometry_noise, signal_to_noise_curve
from sfhsim.instrument.noise_models import NOISE_MODELS, NoiseModel, get_noise_model, register_noise_model
from sfhsim.instrument.photometry import PhotometryOperator
from sfhsim.instrument.resampling import (
    broaden_and_rebin,
    broaden_operator,
    pixel_edges,
    rebin,
    rebin_operator,
)

__all__ = [
    "LSF_REGISTRY",
    "MEASUREMENTS",
    "NOISE_MODELS",
    "Filter",
    "Measurement",
    "NoiseModel",
    "PhotometryOperator",
    "add_noise",
    "broaden_and_rebin",
    "broaden_operator",
    "broadening_sigma_aa",
    "error_spectrum",
    "filter_names",
    "get_measurement",
    "get_noise_model",
    "load_filter",
    "make_lsf",
    "photometry_noise",
    "pixel_edges",
    "rebin",
    "rebin_operator",
    "register_lsf",
    "register_measurement",
    "register_noise_model",
    "signal_to_noise_curve",
]
