"""A trained flow with the model that it belongs to: samples for predictions, and its file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from sfhmodel.errors import InputError, ModelFileError, TrainingDataError
from sfhmodel.files import file_sha256, written_whole
from sfhmodel.inference.predictor import Predictor
from sfhmodel.posterior.coordinates import Coordinates, ParameterCoordinates, by_scalar
from sfhmodel.posterior.flow import PosteriorFlow
from sfhmodel.posterior.samples import PosteriorSamples

_ROWS = 16_384  # samples at a time
_GALAXIES = 256
_CLIP = 8.0  # of standardised features: a galaxy unlike all others has no density of its own
FORMAT = 2  # 1 had other coordinates of histories; flows of parameters are the same in both


@dataclass(eq=False)
class Posterior:
    """The posterior that a flow learnt on the features of a model.

    Attributes
    ----------
    flow, coordinates : of histories, metallicities and dust, see `sfhmodel.posterior.coordinates`.
    context_mean, context_std : (n_context,) of the features: the model's shared latent, and log10 of noise over flux.
    about : what was trained on what: ``model`` and ``model_sha256``, ``config``, ``nll`` of validation galaxies ...
    """

    flow: PosteriorFlow
    coordinates: Coordinates | ParameterCoordinates
    context_mean: np.ndarray
    context_std: np.ndarray
    about: dict[str, Any] = field(default_factory=dict)

    def context(self, features: np.ndarray) -> np.ndarray:
        """Features (n, n_context) as the flow takes them."""
        return np.clip((features - self.context_mean) / self.context_std, -_CLIP, _CLIP).astype(np.float32)

    def log_density(self, points: np.ndarray, features: np.ndarray) -> np.ndarray:
        """(n,) natural logarithm of the density of the coordinates at points (n, n_coordinate)."""
        context = np.broadcast_to(self.context(np.atleast_2d(features)), (len(points), self.context_mean.size))
        inputs = {"points": points.astype(np.float32), "context": np.ascontiguousarray(context)}
        return self.flow.predict_on_batch(inputs)[:, 0].astype(np.float64)  # compiled

    def sample_points(self, features: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
        """Coordinates (n_galaxy, n, n_coordinate) for features (n_galaxy, n_context)."""
        context = self.context(features)
        normal = np.random.default_rng(seed).standard_normal((len(context) * n, self.coordinates.n), dtype=np.float32)
        parts = []
        for start in range(0, len(normal), _ROWS):
            rows = np.arange(start, min(start + _ROWS, len(normal)))
            parts.append(ops.convert_to_numpy(self.flow.from_normal(normal[rows], context[rows // n])))
        return np.concatenate(parts).reshape(len(context), n, -1)

    def sample_features(self, features: np.ndarray, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Mass fractions (n_galaxy, n, n_age_bin) and scalars (n_galaxy, n, 3) for features (n_galaxy, n_context)."""
        assert isinstance(self.coordinates, Coordinates)  # of parameters a simulator makes histories
        points = self.sample_points(features, n, seed).reshape(-1, self.coordinates.n)
        fraction, scalars = self.coordinates.physical(points)
        return fraction.reshape(len(features), n, -1), scalars.reshape(len(features), n, -1)

    def sample(
        self, model, prediction, n: int = 200, seed: int = 0, correct: bool = False, on_progress=lambda count: None
    ) -> PosteriorSamples:
        """Samples for the galaxies of a prediction.

        Parameters
        ----------
        model : the StarFormationModel, or Predictor, that made it.
        prediction : with its inputs (``keep_inputs``).
        n : samples of each galaxy.
        seed : of the samples; the same seed gives the same.
        correct : weigh them by the likelihood of the recipe's simulator, see `sfhmodel.posterior.correction`; for flows
            of parameters, and spectra with errors.
        on_progress : called with the number of galaxies done.

        Raises
        ------
        InputError
            The prediction has no inputs, or spectra that could not be used; fewer than one sample; to be corrected, but
            no flow of parameters, no errors, or no simulator of these galaxies on this machine.
        """
        if n < 1:
            raise InputError(f"{n} samples: at least one is needed")
        inputs = prediction.inputs
        if inputs is None:
            raise InputError("the prediction was made without keeping its inputs: predict with keep_inputs=True")
        if bad := [name for name, what in zip(prediction.names, prediction.problems, strict=True) if what]:
            raise InputError(f"{len(bad)} spectra could not be used, e.g. {bad[0]}: leave them out")
        model = model.model if isinstance(model, Predictor) else model
        self.check_correctable(correct)
        features = features_of(model, inputs)
        if isinstance(self.coordinates, ParameterCoordinates):
            from sfhmodel.posterior.correction import samples_of_parameters

            found = samples_of_parameters(self, features, prediction, n, seed, correct, on_progress)
        else:
            fraction, scalars = self.sample_features(features, n, seed)
            found = {"mass_fraction": fraction, **by_scalar(scalars)}
            on_progress(len(features))
        return PosteriorSamples(
            names=tuple(prediction.names),
            age_bin_edges_yr=np.asarray(model.description.age_bin_edges_yr),
            model=str(self.about.get("model", "")),
            seed=seed,
            **found,
        )

    def check_correctable(self, correct: bool) -> None:
        """InputError where samples are to be corrected and cannot be."""
        if correct and not isinstance(self.coordinates, ParameterCoordinates):
            raise InputError(
                "only samples of a recipe's parameters can be weighed by its simulator: train the posteriors of them "
                "(sfhmodel posterior train --of parameters)"
            )

    def check_of(self, path: Path) -> None:
        """That the flow belongs to a model file; ModelFileError where it was trained on another."""
        if self.about.get("model_sha256") != file_sha256(path):
            raise ModelFileError(
                f"these posteriors belong to another model ({self.about.get('model')}), not to {path}: train them for "
                "it (sfhmodel posterior train)"
            )

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """An npz file, without pickles; ConfigError where it cannot be written."""
        arrays: dict[str, Any] = {f"weight_{k:03d}": value for k, value in enumerate(self.flow.get_weights())}
        arrays |= {
            "context_mean": self.context_mean,
            "context_std": self.context_std,
            "about": np.array(json.dumps({"format": FORMAT, **self.about})),
        }
        if isinstance(self.coordinates, Coordinates):
            arrays |= {"mean": self.coordinates.mean, "std": self.coordinates.std}
        path = Path(path)
        with written_whole(path, overwrite) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Posterior:
        """The posterior of a file.

        Raises
        ------
        ModelFileError
            Missing, damaged, or of a newer format.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            about = json.loads(str(arrays.pop("about")))
            if about["format"] not in ((1, FORMAT) if "recipe" in about else (FORMAT,)):
                what = "train them again" if about["format"] == 1 else "update sfhmodel"
                raise ModelFileError(
                    f"{path} holds posteriors of format {about['format']}, this sfhmodel reads {FORMAT}: {what}"
                )
            context_mean, context_std = (arrays.pop(name) for name in ("context_mean", "context_std"))
            coordinates: Coordinates | ParameterCoordinates
            if "recipe" in about:
                coordinates = ParameterCoordinates(about["recipe"], about["dataset_seed"])
            else:
                coordinates = Coordinates(arrays.pop("mean"), arrays.pop("std"))
            flow = PosteriorFlow(coordinates.n, context_mean.size, **about["config"]["flow"])
            flow.set_weights([arrays[name] for name in sorted(arrays)])
        except ModelFileError:
            raise
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, TrainingDataError) as error:
            raise ModelFileError(f"{path} holds no posteriors of sfhmodel ({error}): give the file of train") from error
        return cls(flow, coordinates, context_mean, context_std, about)


def features_of(model, inputs: dict) -> np.ndarray:
    """(n, n_latent + 1) shared features of a network and log10 of noise over flux, for inputs of a model."""
    parts = []
    for start in range(0, len(inputs["flux"]), _GALAXIES):
        answer = model.forward({name: v[start : start + _GALAXIES] for name, v in inputs.items()}, training=False)
        both = ops.concatenate([ops.cast(answer.latent, "float32"), answer.scaled["noise"]], axis=-1)
        parts.append(ops.convert_to_numpy(both))
    return np.concatenate(parts)
