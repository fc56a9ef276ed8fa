"""README.txt of an export, made of its description, so that it fits the model; its example runs as it stands."""

from __future__ import annotations

import textwrap
from typing import Any

README_NAME = "README.txt"
_LEFT_OUT = (
    "Any flux unit per wavelength will do: only the shapes of spectrum and photometry matter. Inputs that are left out "
    "are taken to be unknown (errors, magnitudes), used (mask) or 0 (redshift); one row may stand for all spectra. As "
    "signatures (model.signatures[NAME], TensorFlow Serving) the same functions need every input."
)
_MORE = (
    "Age bins, bands, units and the recipe of the training data are in description.json and in "
    'model.describe()["description"]. For Keras and sfhmodel there is model.keras.'
)


def readme(content: dict[str, Any], folder_name: str) -> str:
    """Text for people who have TensorFlow and this folder.

    Parameters
    ----------
    content : of `sfhmodel.export.metadata.export_description`.
    folder_name : of the export.
    """
    bands = ", ".join(band["name"] for band in content["model"]["bands"])
    tables = _tables({name: sides for name, sides in content["signatures"].items() if name != "serving_default"})
    code = "\n".join(f"    {line}" for line in example(content, folder_name))
    what = (
        f"A TensorFlow SavedModel: architecture {content['architecture']}, {content['n_trained_parameters']:,} trained "
        f"parameters, data set {content['model']['dataset_name'] or 'unnamed'}. It needs TensorFlow alone. "
        "This example runs in the directory that holds the folder:"
    )
    after = [
        _grids(content["model"]["wave_aa"], content["frame"]),
        *([f"Magnitudes are AB, of the bands {bands}, as observed; NaN where missing."] if bands else []),
        _LEFT_OUT,
        _MORE,
    ]
    wrapped = [[textwrap.fill(each, 110) for each in part] for part in ([content["about"], what], after)]
    return "\n\n".join([*wrapped[0], code, *wrapped[1], *tables]) + "\n"


def example(content: dict[str, Any], folder_name: str) -> list[str]:
    """Five lines of Python."""
    wave_aa, n_band = content["model"]["wave_aa"], len(content["model"]["bands"])
    photometry = f", magnitudes=tf.fill([1, {n_band}], 18.0)" if n_band else ""
    grid = f"tf.linspace({wave_aa[0]:.1f}, {wave_aa[-1]:.1f}, 2000)"
    return [
        "import tensorflow as tf",
        f"model = tf.saved_model.load({folder_name!r})",
        f"wavelength_aa, flux = tf.cast({grid}, tf.float64), tf.ones([1, 2000])  # yours here",
        f"answer = model.predict_wavelengths(wavelength_aa, flux, flux_error=0.02 * flux{photometry}, redshift=0.0)",
        'print(answer["cumulative_quantiles"].numpy(), answer["unlike_training"].numpy())',
    ]


def _grids(wave_aa: list[float], frame: str) -> str:
    return (
        f"model.predict takes spectra on the model's own grid: {len(wave_aa)} pixels, {wave_aa[0]:g} to "
        f"{wave_aa[-1]:g} A, {frame}. model.predict_wavelengths takes observed spectra on any grid, conserves flux, "
        "and masks what is not covered; it does not mask sky lines or change the resolution."
    )


def _tables(signatures: dict[str, dict[str, list[dict[str, Any]]]]) -> list[str]:
    """One text a signature; outputs that an earlier one has are not repeated."""
    tables: list[str] = []
    known: dict[str, dict[str, Any]] = {}
    for name, sides in signatures.items():
        outputs = [output for output in sides["outputs"] if known.get(output["name"]) != output]
        as_before = ["  outputs as above, and"] if len(outputs) < len(sides["outputs"]) else []
        lines = [_line("input", each) for each in sides["inputs"]] + as_before
        tables.append("\n".join([name, *lines, *(_line("output", each) for each in outputs)]))
        known |= {output["name"]: output for output in outputs}
    return tables


def _line(kind: str, tensor: dict[str, Any]) -> str:
    shape = ", ".join(map(str, tensor["shape"]))
    unit = f" [{tensor['unit']}]" if tensor["unit"] else ""
    default = f" (default {tensor['default']})" if "default" in tensor else ""
    return f"  {kind:6s} {tensor['name']} ({shape}){unit}: {tensor['meaning']}{default}"
