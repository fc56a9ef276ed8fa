"""Which arrays of a record a model sees, which it learns, and by what names.

inputs   flux, flux_error, mask (of ones), magnitudes, magnitude_errors
truths   mass_fraction, metallicity, truth: as they are in the record
"""

from __future__ import annotations

from sfhmodel.description import ModelDescription

INPUT_FEATURES = {
    "flux": "spectrum",
    "flux_error": "spectrum_error",
    "magnitudes": "photometry",
    "magnitude_errors": "photometry_error",
}
TRUTH_FEATURES = ("mass_fraction", "metallicity", "truth")
FEATURES = (*INPUT_FEATURES.values(), *TRUTH_FEATURES)


def feature_lengths(description: ModelDescription) -> dict[str, int]:
    """Number of values that each feature of a record must have, by its name in the record."""
    sizes = (description.n_pixel, description.n_pixel, description.n_band, description.n_band)
    labels = (description.n_age_bin, description.n_age_bin, len(description.truth_names))
    return dict(zip(FEATURES, (*sizes, *labels), strict=True))


def inputs_and_truths(features: dict, ones_like) -> tuple[dict, dict]:
    """The inputs and truths of a batch.

    Parameters
    ----------
    features : each (n, length), by name in the record.
    ones_like : of the arrays' library.

    Returns
    -------
    (inputs, truths)
        Inputs as models take them, all pixels in use; truths as `sfhmodel.targets.targets_from_truths` takes them.
    """
    inputs = {name: features[feature] for name, feature in INPUT_FEATURES.items()}
    inputs["mask"] = ones_like(inputs["flux"])
    return inputs, {name: features[name] for name in TRUTH_FEATURES}
