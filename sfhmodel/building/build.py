"""A model from its definition: ``sfhmodel build NAME --out FOLDER [--minutes M] [--install]``.

Libraries between those of several makers, worlds on them, a data set, a training, uncertainties set on worlds that the
training did not see, a card that says how the model does, and the model's light graph. What is finished in the folder
is not made again.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from sfhmodel.building.worlds import definition, write_worlds
from sfhmodel.data.coverage import between, in_part, shortest_part
from sfhmodel.description import ModelDescription
from sfhmodel.errors import SfhmodelError
from sfhmodel.evaluation.worlds import measure, without_bands
from sfhmodel.graph_file import has_graph
from sfhsim.files import whole_file

BATCH = 500
MODEL, CARD = "model.keras", "card.json"
_UNSEEN_SEED = 7001  # of galaxies that the training does not see


def build(
    name: str | Path,
    out: str | Path,
    *,
    minutes: float | None = None,
    records: int | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Build the model of a definition.

    Parameters
    ----------
    name : of the definition, or its path.
    out : folder for everything; an interrupted build goes on there.
    minutes : of training; the definition's when absent.
    records : galaxies of the data set; the definition's when absent.
    say : is told what is done.

    Returns
    -------
    The calibrated model file in ``out``; its light graph (`sfhmodel.export`) and ``card.json`` lie beside it.

    Raises
    ------
    SfhmodelError, sfhsim.errors.SfhsimError
        From each step; libraries and tables that are missing are named with how to get them.
    """
    import sfhsim
    from sfhmodel.training import config_from_dict, train

    out, content = Path(out), definition(name)
    out.mkdir(parents=True, exist_ok=True)
    recipe = write_worlds(content, out, say=say)
    dataset = out / "dataset"
    say(f"galaxies: {dataset}")
    sfhsim.generate_dataset(
        recipe, records or content["records"], dataset, seed=content["seed"], workers="auto", precision="float16"
    )
    config = content["training"] | ({} if minutes is None else {"minutes": minutes})
    summary = train(dataset, out / "run", config_from_dict(config, "training"), show_progress=True)
    model = _calibrated(content, out, say)
    card = {
        "built_by": f"sfhmodel build {Path(name).name}",  # a card is for other machines, too
        "name": content["recipe"]["name"],
        "description": content["description"],
        "training": {key: value for key, value in summary.items() if key != "data"},
        "worlds": {
            f"{world}, {bands}": measured(model, recipe, dataset, with_bands=bands == "with bands")
            for world, recipe in (("own", recipe), ("unseen", out / "unseen.yaml"))
            for bands in ("with bands", "spectrum alone")
        },
        **content.get("card", {}),
    }
    with whole_file(out / CARD) as partial:
        partial.write_text(json.dumps(card, indent=1, default=float) + "\n", "utf-8")
    if not has_graph(out / MODEL):
        say(_light_graph(out / MODEL))
    return out / MODEL


def _light_graph(model: Path) -> str:
    """Make the light graph of a model, and say so; one that cannot be made here leaves the model as good as it is."""
    from sfhmodel.export import export_onnx

    try:
        return f"light graph: {export_onnx(model, overwrite=True)}"
    except SfhmodelError as error:
        return f"no light graph, Keras will answer: {error}"


def measured(
    model,
    recipe,
    dataset: Path,
    *,
    with_bands: bool,
    n: int = 4000,
    seed: int = 555,
    seen_aa: tuple[float, float] | None = None,
) -> dict:
    """`sfhmodel.evaluation.worlds.measure` on new galaxies of a recipe; the prior is that of the training set.

    ``seen_aa`` is the range that the model sees of each spectrum; None: all of it.
    """
    batches = galaxies(recipe, n, seed)
    if seen_aa is not None:
        batches = between(batches, model.description.wave_aa, *seen_aa)
    return measure(model, batches, prior_mean(dataset), with_bands=with_bands)


def galaxies(recipe, n: int, seed: int) -> Iterator[tuple[dict, dict]]:
    """Batches of ``n`` galaxies of a recipe, of its split for tests."""
    from sfhmodel.data import live_batches

    return itertools.islice(iter(live_batches(recipe, BATCH, seed=seed, split="test")), -(-n // BATCH))


def prior_mean(dataset: Path) -> np.ndarray:
    """(n_age_bin,) mean mass fractions of training galaxies."""
    import sfhsim

    return sfhsim.Dataset(dataset).arrays("train", limit=20_000)["mass_fraction"].mean(axis=0)


def _calibrated(content: dict, out: Path, say: Callable[[str], None]):
    """The trained model with uncertainties set on unseen worlds, half of them without bands; saved."""
    from sfhmodel.calibration import calibrate, widen
    from sfhmodel.inference import load

    unseen = write_worlds(content, out, unseen=True, say=say)
    if (out / MODEL).is_file():
        return load(out / MODEL, backend="keras").model
    say("uncertainties, on worlds that the training did not see")
    model = load(out / "run", backend="keras").model
    n = content["unseen"]["records"]
    shortest = shortest_part(content["training"].get("augmentation"))
    seen = in_part(_every_other_without_bands(galaxies(out / "recipe.yaml", n, _UNSEEN_SEED)), shortest)
    calibrate(model, seen, data=content["recipe"]["name"])
    widen(model, in_part(_every_other_without_bands(galaxies(unseen, n, _UNSEEN_SEED)), shortest))
    known = model.description.to_dict()
    model.description = ModelDescription.from_dict(_named(known, out / "libraries"))
    with whole_file(out / MODEL) as partial:
        model.save(partial)
    return model


def _named(value, folder: Path):
    """Plain data with the names of libraries in place of their paths: a model is for other machines, too."""
    if isinstance(value, dict):
        return {key: _named(inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_named(inner, folder) for inner in value]
    is_path = isinstance(value, str) and value.startswith(str(folder.absolute()))
    return Path(value).stem if is_path else value


def _every_other_without_bands(batches):
    for k, (inputs, truths) in enumerate(batches):
        yield (without_bands(inputs) if k % 2 else inputs), truths
