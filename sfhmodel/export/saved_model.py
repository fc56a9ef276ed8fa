"""The SavedModel: a model, its preprocessing and its description as TensorFlow functions with named signatures.

TensorFlow's own module and saver, since Keras' exporter takes neither defaults nor metadata.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from sfhmodel.export.interface import TensorInfo, predict_inputs, wavelength_inputs
from sfhmodel.export.resampling import GridResampler


class ExportedModel(tf.Module):
    """What `write_saved_model` saves.

    Parameters
    ----------
    model : StarFormationModel on Keras' TensorFlow backend.
    description_json : what ``describe`` returns.
    """

    def __init__(self, model, description_json: str):
        super().__init__(name="sfhmodel")
        self._model_variables = [variable.value for variable in model.variables]  # tracked: they are saved
        self.predict = _predict_function(model)
        self.predict_wavelengths = _wavelength_function(model)
        self.describe = _describe_function(model.description, description_json)

    def signatures(self) -> dict:
        """TensorFlow functions by signature."""
        return {
            "serving_default": self.predict,
            "predict": self.predict,
            "predict_wavelengths": self.predict_wavelengths,
            "describe": self.describe,
        }


def _spec(info: TensorInfo) -> tf.TensorSpec:
    if "n or absent" in info.shape:
        return tf.TensorSpec(None, info.dtype, info.name)
    return tf.TensorSpec([s if isinstance(s, int) else None for s in info.shape], info.dtype, info.name)


def _default(info: TensorInfo):
    """One row of the default, to be broadcast to the batch."""
    shape = () if "n or absent" in info.shape else [s if isinstance(s, int) else 1 for s in info.shape]
    return tf.fill(shape, tf.constant(info.default, info.dtype))


def _like(values, flux):
    """Values (n or 1, ...) for every spectrum of flux (n, m): (n, m), or (n, n_band) for another length."""
    size = tf.shape(flux)[1] if values.shape[1] is None else values.shape[1]
    return tf.broadcast_to(values, [tf.shape(flux)[0], size])


def _answer(model, flux, flux_error, mask, magnitudes, magnitude_errors) -> dict:
    outputs = model(
        {
            "flux": flux,
            "flux_error": _like(flux_error, flux),
            "mask": _like(mask, flux),
            "magnitudes": _like(magnitudes, flux),
            "magnitude_errors": _like(magnitude_errors, flux),
        },
        training=False,
    )
    outputs = {name: tf.cast(values, tf.float32) for name, values in outputs.items()}
    return outputs | {"unlike_training": outputs["novelty"] > 1.0}


def _predict_function(model):
    inputs = predict_inputs(model.description)
    unknown = {info.name: _default(info) for info in inputs if info.default is not None}

    @tf.function(input_signature=[_spec(info) for info in inputs])
    def predict(
        flux,
        flux_error=unknown["flux_error"],
        mask=unknown["mask"],
        magnitudes=unknown["magnitudes"],
        magnitude_errors=unknown["magnitude_errors"],
    ):
        return _answer(model, flux, flux_error, mask, magnitudes, magnitude_errors)

    return predict


def _wavelength_function(model):
    inputs = wavelength_inputs(model.description)
    unknown = {info.name: _default(info) for info in inputs if info.default is not None}
    resample = GridResampler(model.description)

    @tf.function(input_signature=[_spec(info) for info in inputs])
    def predict_wavelengths(
        wavelength_aa,
        flux,
        flux_error=unknown["flux_error"],
        mask=unknown["mask"],
        magnitudes=unknown["magnitudes"],
        magnitude_errors=unknown["magnitude_errors"],
        redshift=unknown["redshift"],
    ):
        flux_error, mask = _like(flux_error, flux), _like(mask, flux)
        flux, flux_error, mask, coverage = resample(wavelength_aa, flux, flux_error, mask, redshift)
        return _answer(model, flux, flux_error, mask, magnitudes, magnitude_errors) | {"coverage": coverage}

    return predict_wavelengths


def _describe_function(description, description_json: str):
    content = {
        "description": tf.constant(description_json),
        "wave_aa": tf.constant(description.wave_aa, tf.float64),
        "age_bin_edges_yr": tf.constant(description.age_bin_edges_yr, tf.float64),
        "band_names": tf.constant(description.band_names, tf.string, shape=(description.n_band,)),
        "summary_names": tf.constant(description.summary_names),
        "summary_units": tf.constant(description.summary_units),
        "quantile_levels": tf.constant(description.quantile_levels, tf.float64),
    }

    @tf.function(input_signature=[])
    def describe():
        return {name: tf.identity(value) for name, value in content.items()}

    return describe


def write_saved_model(model, description_json: str, folder: Path) -> None:
    """Write the SavedModel of a model, with its description inside, into a folder."""
    module = ExportedModel(model, description_json)
    tf.saved_model.save(module, str(folder), signatures=module.signatures())
