"""Training of posteriors: the network stays as it is, a flow learns on its features from labelled galaxies."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from keras import ops
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sfhmodel.data import SplitRecords, TrainingData
from sfhmodel.data.coverage import in_part, part_of
from sfhmodel.errors import ConfigError, TrainingDataError, TrainingError
from sfhmodel.files import check_new, check_writable
from sfhmodel.inference.progress import progress
from sfhmodel.posterior.coordinates import SCALARS, Coordinates, ParameterCoordinates
from sfhmodel.posterior.flow import PosteriorFlow
from sfhmodel.posterior.posterior import Posterior, features_of
from sfhmodel.training.transfer.origin import open_origin
from sfhsim.files import whole_file

_BATCH = 500
_FEWEST = 200  # galaxies to learn from
_STD_FLOOR = 1e-3


class FlowConfig(BaseModel):
    """What decides a training of posteriors beside its data."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    of: Literal["histories", "parameters"] = Field(
        default="histories", description="What is sampled: mass fractions, Z and A_V, or the recipe's parameters."
    )
    couplings: int = Field(default=8, ge=1, le=50)
    hidden: int = Field(default=128, ge=1, description="Units of each layer of a coupling's perceptron.")
    bins: int = Field(default=8, ge=2, le=64, description="Of the splines.")
    steps: int = Field(default=12_000, ge=1)
    batch_size: int = Field(default=256, ge=1)
    learning_rate: float = Field(default=1.5e-3, gt=0, le=1, description="At the start of the cosine.")
    weight_decay: float = Field(default=1e-3, ge=0, lt=1)
    records: int = Field(default=200_000, ge=1, description="Galaxies, at most.")
    validation_records: int = Field(default=4096, ge=1, description="At most.")
    seed: int = Field(default=0, ge=0, lt=2**31)

    @property
    def flow(self) -> dict[str, int]:
        """Arguments of `PosteriorFlow` beside sizes."""
        return {"couplings": self.couplings, "hidden": self.hidden, "bins": self.bins, "seed": self.seed}


def flow_config(**options: Any) -> FlowConfig:
    """A config; ConfigError that names each option that is unknown or impossible."""
    try:
        return FlowConfig(**options)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors())
        raise ConfigError(f"posteriors cannot be trained like this: {wrong}") from error


def train_posterior(
    model: str | Path,
    dataset: str | Path,
    out: str | Path,
    config: FlowConfig | None = None,
    *,
    overwrite: bool = False,
    show_progress: bool = False,
) -> Posterior:
    """Train posteriors for a model; an interrupted call goes on from its last epoch.

    Parameters
    ----------
    model : run, .keras file or preset.
    dataset : directory of a data set on the model's grid, bins and bands, with splits to train and to validate.
    out : npz file to write; while it is made, its state lies beside it (``.resume``).
    config : all defaults where None.

    Returns
    -------
    Posterior
        What the file holds, with the weights that were best on validation galaxies.

    Raises
    ------
    ConfigError
        The file exists or cannot be written; beside it lies the state of another training.
    ModelFileError, TrainingDataError
        From model and data set; fewer than 200 galaxies.
    TrainingError
        The likelihood is not finite.
    """
    config, out = config or FlowConfig(), Path(out)
    check_new(out, overwrite)
    check_writable(out)
    origin, data = open_origin(model), TrainingData(dataset)
    core = origin.model
    data.check_same(core.description)
    about: dict[str, Any] = {
        "model": origin.label,
        "model_sha256": origin.sha256,
        "dataset": data.description.dataset_name,
        "dataset_sha256": data.description.dataset_sha256,
        "config": config.model_dump() | {"flow": config.flow},
    }
    of_parameters = None
    if config.of == "parameters":
        about |= {"recipe": data.manifest["recipe"], "dataset_seed": data.manifest["seed"]}
        of_parameters = ParameterCoordinates(about["recipe"], about["dataset_seed"])
    folder = _state_folder(out, about)
    with progress(show_progress, "galaxies") as advance:
        seen = _kept(folder / "train.npz", lambda: galaxies(core, data, "train", config.records, advance))
        held = _kept(
            folder / "validation.npz",
            lambda: galaxies(core, data, "validation", config.validation_records, advance),
        )
    if len(seen["features"]) < _FEWEST:
        shutil.rmtree(folder)
        raise TrainingDataError(f"{dataset} has {len(seen['features'])} galaxies to learn from, {_FEWEST} are needed")
    coordinates = of_parameters or Coordinates.fitted(seen["mass_fraction"], seen["scalars"], config.seed)
    mean, std = seen["features"].mean(axis=0), np.maximum(seen["features"].std(axis=0), _STD_FLOOR)
    flow = PosteriorFlow(coordinates.n, mean.size, **config.flow)
    posterior = Posterior(flow, coordinates, mean, std, about)
    about["nll"] = _fit(posterior, seen, held, config, folder, show_progress)
    posterior.save(out, overwrite)
    shutil.rmtree(folder)
    return posterior


def galaxies(core, data: TrainingData, split: str, limit: int, advance=lambda count: None) -> dict[str, np.ndarray]:
    """``features`` (see `features_of`), ``mass_fraction``, ``scalars`` and ``sample_id`` of galaxies of a split.

    Every other galaxy is without its magnitudes, so that samples hold for spectra alone, too; models that were trained
    on parts of spectra are shown parts.
    """
    columns = [core.description.summary_names.index(name) for name in SCALARS]
    parts: dict[str, list[np.ndarray]] = {"features": [], "mass_fraction": [], "scalars": [], "sample_id": []}
    records = SplitRecords(data, split, limit)
    read = records.batches(np.arange(len(records)), _BATCH)
    seen_in_part = in_part(((batch.inputs, batch) for batch in read), part_of(core.description))
    for inputs, (sample_id, _, truths) in seen_in_part:
        targets = core.targets(truths)
        parts["sample_id"].append(sample_id)
        seen = {name: np.array(values) for name, values in inputs.items()}
        for name in ("magnitudes", "magnitude_errors"):
            seen[name][1::2] = np.nan
        parts["features"].append(features_of(core, seen))
        parts["mass_fraction"].append(ops.convert_to_numpy(targets["mass_fraction"]))
        parts["scalars"].append(ops.convert_to_numpy(targets["summaries"])[:, columns])
        advance(len(parts["features"][-1]))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _kept(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of a file, made and kept there where there is none yet."""
    if not path.is_file():
        with whole_file(path) as temporary, open(temporary, "wb") as file:
            arrays: dict[str, Any] = dict(make())
            np.savez(file, **arrays)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _state_folder(out: Path, about: dict[str, Any]) -> Path:
    """The folder of a training that is under way, for the same one to go on in; ConfigError where it is another's."""
    folder = out.with_name(out.name + ".resume")
    key, own = folder / "training", hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    if key.is_file() and key.read_text() != own:
        raise ConfigError(f"{folder} is of another training: delete it, or choose another file")
    folder.mkdir(parents=True, exist_ok=True)
    key.write_text(own)
    return folder


def _fit(posterior: Posterior, seen: dict, held: dict, config: FlowConfig, folder: Path, show_progress: bool) -> float:
    """Fit the flow and take its best weights; the negative log likelihood of validation galaxies."""
    keras.utils.set_random_seed(config.seed)  # of the order of the galaxies
    flow, size = posterior.flow, min(config.batch_size, len(seen["features"]))
    per_epoch = math.ceil(len(seen["features"]) / size)
    epochs = max(1, round(config.steps / per_epoch))
    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, epochs * per_epoch, alpha=0.01)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, clipnorm=1.0)
    # XLA takes longer to compile than such a flow to train
    flow.compile(optimizer, loss=_negative, jit_compile=keras.backend.backend() == "jax")
    best = _Best(folder)
    labels = (np.zeros(len(found["features"]), np.float32) for found in (seen, held))
    with progress(show_progress, f"of {epochs} epochs") as advance:
        flow.fit(
            _points(posterior, seen, config.seed),
            next(labels),
            batch_size=size,
            epochs=epochs,
            validation_data=(_points(posterior, held, config.seed + 1), next(labels)),
            verbose=0,
            callbacks=[
                keras.callbacks.TerminateOnNaN(),
                best,
                keras.callbacks.BackupAndRestore(str(folder / "state"), delete_checkpoint=False),
                keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: advance(1)),
            ],
        )
    if not np.isfinite(best.value):
        raise TrainingError("the likelihood of the validation galaxies is not finite: use a lower learning_rate")
    flow.load_weights(str(best.weights))
    return best.value


class _Best(keras.callbacks.Callback):
    """Keeps the weights that were best on validation galaxies in a folder, from which a training goes on."""

    def __init__(self, folder: Path):
        super().__init__()
        self.weights, self._record = folder / "best.weights.h5", folder / "best.json"
        self.value = json.loads(self._record.read_text())["nll"] if self._record.is_file() else math.inf

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.value:
            self.value = float(logs["val_loss"])
            self.model.save_weights(str(self.weights), overwrite=True)
            with whole_file(self._record) as temporary:
                temporary.write_text(json.dumps({"nll": self.value, "epoch": epoch + 1}))


def _points(posterior: Posterior, found: dict, seed: int) -> dict[str, np.ndarray]:
    return {
        "points": posterior.coordinates.points_of(found, seed),
        "context": posterior.context(found["features"]),
    }


def _negative(_, log_density):
    """Negative log likelihood; the galaxies are the labels."""
    return -log_density[:, 0]
