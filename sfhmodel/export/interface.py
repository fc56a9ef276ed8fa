"""The signatures of an export: every input and output with its shape, type, unit and meaning.

One table, from which the graph takes its input types, the description its words and the tests their expectations.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sfhmodel.description import ModelDescription

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class TensorInfo:
    """One input or output.

    Attributes
    ----------
    name : as in the signature.
    shape : numbers where they are fixed, names (n spectra of m pixels) where the caller chooses.
    dtype : TensorFlow's name.
    unit, meaning : for people.
    default : what is assumed where the input is left out; None where it must be given, and of outputs.
    """

    name: str
    shape: Shape
    dtype: str
    unit: str
    meaning: str
    default: float | None = None

    def to_dict(self) -> dict:
        """For JSON; without the default where there is none, and NaN as a word."""
        content = asdict(self) | {"shape": list(self.shape)}
        if self.default is None:
            del content["default"]
        elif self.default != self.default:
            content["default"] = "NaN"
        return content


def _photometry(description: ModelDescription) -> tuple[TensorInfo, ...]:
    nan = float("nan")
    bands = ("n", description.n_band)
    order = ", ".join(description.band_names) or "none"
    return (
        TensorInfo("magnitudes", bands, "float32", "mag(AB)", f"of the bands {order}; NaN = missing", nan),
        TensorInfo("magnitude_errors", bands, "float32", "mag", "standard errors; NaN = unknown", nan),
    )


_FLUX = "mean flux density per wavelength in each pixel; not finite = ignored"
_ERROR = "standard error of the flux, same unit; NaN or <= 0 = unknown"
_OBSERVED_ERROR = f"{_ERROR}; where other errors of the spectrum are known, such a pixel is ignored"
_MASK = "1 = use, 0 = ignore the pixel, whatever its flux"
_ANY_UNIT = "any, of flux per wavelength"


def predict_inputs(description: ModelDescription) -> tuple[TensorInfo, ...]:
    """Of ``predict`` and ``serving_default``: spectra on the model's own grid."""
    pixels = ("n", description.n_pixel)
    return (
        TensorInfo("flux", pixels, "float32", _ANY_UNIT, f"{_FLUX}; on the model's wave_aa"),
        TensorInfo("flux_error", pixels, "float32", "as flux", _ERROR, float("nan")),
        TensorInfo("mask", pixels, "float32", "1", _MASK, 1.0),
        *_photometry(description),
    )


def wavelength_inputs(description: ModelDescription) -> tuple[TensorInfo, ...]:
    """Of ``predict_wavelengths``: spectra as observed, on any grid."""
    pixels = ("n", "m")
    return (
        TensorInfo(
            "wavelength_aa",
            ("n or absent", "m"),
            "float64",
            "Angstrom, in air, observed frame",
            "pixel centres, increasing; one grid for all, (m,), or one a spectrum, (n, m)",
        ),
        TensorInfo("flux", pixels, "float32", _ANY_UNIT, _FLUX),
        TensorInfo("flux_error", pixels, "float32", "as flux", _OBSERVED_ERROR, float("nan")),
        TensorInfo("mask", pixels, "float32", "1", _MASK, 1.0),
        *_photometry(description),
        TensorInfo("redshift", ("n or absent",), "float64", "1", "of each spectrum, or one for all", 0.0),
    )


def predict_outputs(description: ModelDescription) -> tuple[TensorInfo, ...]:
    """Of every predicting signature."""
    bins, summaries, levels = (
        ("n", size)
        for size in (description.n_age_bin, len(description.summary_names), len(description.quantile_levels))
    )
    level = levels[1:]
    units = ", ".join(f"{n} [{u}]" for n, u in zip(description.summary_names, description.summary_units, strict=True))
    fraction = "share of the mass formed in each age bin, youngest first; sums to 1"
    cumulative = "quantiles of the share formed in this and all younger bins; 1 in the last bin"
    novelty = "how unlike the training data the input is; above 1 for 1% of data like those of training"
    return (
        TensorInfo("mass_fraction", bins, "float32", "1", fraction),
        TensorInfo("metallicity", bins, "float32", "1", "Z, mass fraction of metals, of the stars of each bin"),
        TensorInfo("summaries", summaries, "float32", "see meaning", units),
        TensorInfo("cumulative_quantiles", bins + level, "float32", "1", cumulative),
        TensorInfo("metallicity_quantiles", bins + level, "float32", "1", "quantiles of metallicity"),
        TensorInfo("summary_quantiles", summaries + level, "float32", "see summaries", "quantiles of summaries"),
        TensorInfo("novelty", ("n",), "float32", "1", novelty),
        TensorInfo("unlike_training", ("n",), "bool", "1", "novelty > 1: do not trust this answer"),
    )


COVERAGE = TensorInfo("coverage", ("n",), "float32", "1", "share of the model's pixels that the spectrum covers")


def describe_outputs(description: ModelDescription) -> tuple[TensorInfo, ...]:
    """Of ``describe``, which has no inputs."""
    n_summary = len(description.summary_names)
    edges = "of the age bins, lookback time"
    return (
        TensorInfo("description", (), "string", "JSON", "what description.json holds"),
        TensorInfo(
            "wave_aa", (description.n_pixel,), "float64", "Angstrom, in air", "pixel centres of the model's grid"
        ),
        TensorInfo("age_bin_edges_yr", (description.n_age_bin + 1,), "float64", "yr", edges),
        TensorInfo("band_names", (description.n_band,), "string", "", "filters of the magnitudes, in order"),
        TensorInfo("summary_names", (n_summary,), "string", "", "names of the summaries, in order"),
        TensorInfo("summary_units", (n_summary,), "string", "", "their units"),
        TensorInfo("quantile_levels", (len(description.quantile_levels),), "float64", "1", "of the quantiles"),
    )


def signatures(description: ModelDescription) -> dict[str, dict[str, tuple[TensorInfo, ...]]]:
    """Inputs and outputs by signature."""
    outputs = predict_outputs(description)
    on_grid = {"inputs": predict_inputs(description), "outputs": outputs}
    return {
        "serving_default": on_grid,
        "predict": on_grid,
        "predict_wavelengths": {"inputs": wavelength_inputs(description), "outputs": (*outputs, COVERAGE)},
        "describe": {"inputs": (), "outputs": describe_outputs(description)},
    }
