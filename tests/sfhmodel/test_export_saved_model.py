"""The exported SavedModel: the answers of the Keras model, with TensorFlow alone, and what it says of itself."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_networks import answers, assert_same_answers, galaxies, small_description, small_model

from sfhmodel import architectures
from sfhmodel.description import ModelDescription
from sfhmodel.export import export
from sfhmodel.export.interface import signatures
from sfhmodel.export.readme import README_NAME, example

WITHOUT_SFHMODEL = "import sys\nfor name in ('sfhmodel', 'sfhsim', 'keras', 'jax'): sys.modules[name] = None\n"


class Exported:
    """A model, its export, and the export loaded by TensorFlow."""

    def __init__(self, model, folder: Path):
        self.model, self.folder = model, export(model, folder)
        self.loaded = tf.saved_model.load(str(folder))

    def __call__(self, signature: str, **inputs) -> dict[str, np.ndarray]:
        found = self.loaded.signatures[signature](**{name: tf.constant(v) for name, v in inputs.items()})
        return {name: values.numpy() for name, values in found.items()}

    def description(self) -> dict:
        return json.loads((self.folder / "description.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=architectures.names())
def each(request, tmp_path_factory) -> Exported:
    return Exported(small_model(request.param), tmp_path_factory.mktemp("each") / request.param)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Exported:
    return Exported(small_model("attention"), tmp_path_factory.mktemp("exported") / "model")


def run(script: str, folder: Path) -> str:
    """Standard output of Python, sfhmodel and Keras blocked, in a directory."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_SFHMODEL + script], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("signature", ["predict", "serving_default"])
def test_signatures_answer_as_the_keras_model(each, signature):
    inputs, _ = galaxies(each.model.description, 20, seed=5)
    found = each(signature, **inputs)
    expected = answers(each.model, inputs)
    np.testing.assert_array_equal(found.pop("unlike_training"), expected["novelty"] > 1.0)
    assert_same_answers(expected, found, 1e-5)


def test_rows_do_not_depend_on_the_batch(each):
    inputs, _ = galaxies(each.model.description, 300, seed=6)
    together = each("predict", **inputs)
    for size in (1, 7):
        some = each("predict", **{name: values[:size] for name, values in inputs.items()})
        assert_same_answers({name: values[:size] for name, values in together.items()}, some, 1e-5)


def test_answers_without_sfhmodel_and_keras(each, tmp_path):
    inputs, _ = galaxies(each.model.description, 5, seed=7)
    np.savez(tmp_path / "inputs.npz", **inputs)
    script = f"""
import numpy as np, tensorflow as tf
model = tf.saved_model.load({str(each.folder)!r})
answer = model.predict(**np.load("inputs.npz"))
np.savez("answer.npz", **{{name: values.numpy() for name, values in answer.items()}})
"""
    run(script, tmp_path)
    found = dict(np.load(tmp_path / "answer.npz"))
    del found["unlike_training"]
    assert_same_answers(answers(each.model, inputs), found, 1e-5)


def test_the_example_in_the_readme_runs(exported):
    lines = example(exported.description(), exported.folder.name)
    assert "".join(f"    {line}\n" for line in lines) in (exported.folder / README_NAME).read_text(encoding="utf-8")
    assert len(lines) == 5
    said = run("\n".join(lines), exported.folder.parent)
    assert said.startswith("[[[")
    assert said.endswith(("[ True]\n", "[False]\n"))


def test_inputs_left_out_are_unknown(exported):
    description = exported.model.description
    inputs, _ = galaxies(description, 4, seed=8)
    full = {name: np.full_like(values, np.nan) for name, values in inputs.items()}
    full |= {"flux": inputs["flux"], "mask": np.ones_like(inputs["mask"])}
    found = {name: values.numpy() for name, values in exported.loaded.predict(inputs["flux"]).items()}
    del found["unlike_training"]
    assert_same_answers(answers(exported.model, full), found, 1e-5)


def test_one_row_of_errors_serves_all_spectra(exported):
    inputs, _ = galaxies(exported.model.description, 4, seed=9)
    one_row = inputs | {"flux_error": inputs["flux_error"][:1], "mask": inputs["mask"][:1]}
    assert_same_answers(exported("predict", **inputs), exported("predict", **one_row), 1e-6)


def test_a_wrong_number_of_rows_is_refused(exported):
    inputs, _ = galaxies(exported.model.description, 4, seed=9)
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        exported("predict", **inputs | {"magnitudes": inputs["magnitudes"][:3]})


def test_unlike_training_is_said(exported):
    inputs, _ = galaxies(exported.model.description, 50, seed=10)
    inputs["flux"][::2] = np.random.default_rng(0).uniform(0.0, 9.0, inputs["flux"][::2].shape)
    unlike = exported("predict", **inputs)["unlike_training"]
    assert unlike[::2].all()
    assert unlike[1::2].mean() < 0.2


def test_the_graph_is_as_described(each):
    for name, sides in signatures(each.model.description).items():
        function = each.loaded.signatures[name]
        inputs = function.structured_input_signature[1]
        for tensors, expected in ((inputs, sides["inputs"]), (function.structured_outputs, sides["outputs"])):
            assert set(tensors) == {info.name for info in expected}
            for info in expected:
                assert tensors[info.name].dtype == info.dtype
                if "n or absent" not in info.shape:
                    fixed = [size if isinstance(size, int) else None for size in info.shape]
                    assert tensors[info.name].shape.is_compatible_with(fixed), info.name


def test_it_describes_itself(exported):
    description = exported.model.description
    found = exported("describe")
    content = exported.description()
    assert json.loads(found["description"]) == content
    for name in ("wave_aa", "age_bin_edges_yr", "quantile_levels"):
        np.testing.assert_array_equal(found[name], getattr(description, name))
    for name in ("band_names", "summary_names", "summary_units"):
        assert tuple(text.decode() for text in found[name]) == getattr(description, name)
    ModelDescription.from_dict(content["model"]).check_same(description)
    assert content["model"]["recipe"] == description.recipe
    assert content["architecture"] == "attention"
    for sides in content["signatures"].values():
        assert all(info["meaning"] for kind in ("inputs", "outputs") for info in sides[kind])


def test_the_keras_file_is_there(each):
    inputs, _ = galaxies(each.model.description, 3, seed=11)
    found = answers(keras.saving.load_model(each.folder / "model.keras"), inputs)
    assert_same_answers(answers(each.model, inputs), found, 0.0)


def test_a_model_without_photometry(tmp_path):
    model = small_model("branched", small_description(n_band=0))
    exported = Exported(model, tmp_path / "spectra")
    inputs, _ = galaxies(model.description, 3, seed=12)
    found = exported("predict", **inputs)
    del found["unlike_training"]
    assert_same_answers(answers(model, inputs), found, 1e-5)
    assert exported("describe")["band_names"].shape == (0,)
    assert "magnitudes=" not in (exported.folder / README_NAME).read_text(encoding="utf-8")
