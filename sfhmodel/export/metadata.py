"""description.json of an export: what every number means, for people and programs; the same is in the SavedModel."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from sfhmodel import __version__
from sfhmodel.description import ModelDescription
from sfhmodel.export.interface import signatures
from sfhmodel.spectra.frame import TrainingFrame

DESCRIPTION_NAME = "description.json"
FORMAT = "sfhmodel export"
FORMAT_VERSION = 1

UNITS = {
    "wave_aa": "Angstrom, pixel centres",
    "wave_medium": "of all wavelengths",
    "age_bin_edges_yr": "yr of lookback time; bin k lies between edges k and k + 1",
    "bands.pivot_wave_aa": "Angstrom",
    "bands.effective_width_aa": "Angstrom",
    "quantile_levels": "probabilities",
    "magnitudes": "AB",
    "metallicity": "Z, mass fraction of metals",
}


def export_description(model) -> dict[str, Any]:
    """Of plain data: format, signatures, frame, units, and the model's own description with recipe and library.

    Parameters
    ----------
    model : StarFormationModel
    """
    description = model.description
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "about": "Star formation and metallicity histories from spectra and photometry, with their uncertainties.",
        "architecture": model.architecture,
        "n_trained_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "versions": {"sfhmodel": __version__, **_versions("tensorflow", "keras")},
        "frame": frame_in_words(description),
        "units": UNITS,
        "signatures": {
            name: {kind: [info.to_dict() for info in tensors] for kind, tensors in sides.items()}
            for name, sides in signatures(description).items()
        },
        "model": description.to_dict(),
    }


def frame_in_words(description: ModelDescription) -> str:
    """Which wavelengths the grid's are, and what becomes of a spectrum of another redshift."""
    frame = TrainingFrame.of(description)
    low, high = frame.redshift_range
    if not frame.is_fixed:
        return f"observed frame, galaxies at redshifts {low:g} to {high:g}; wavelengths in air"
    at = "rest frame" if low == 0.0 else f"observed frame of galaxies at redshift {low:g}"
    return f"{at}, wavelengths in air; predict_wavelengths shifts spectra of any redshift to it"


def to_json(content: dict[str, Any]) -> str:
    """Indented JSON with lists of numbers on one line each."""
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    return re.sub(r"\[([-+.\deE,\s]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # e.g. tensorflow-cpu: the same module by another name
            continue
    return found
