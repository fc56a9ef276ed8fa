"""Posteriors of a recipe's parameters by the likelihood of its own simulator: the flow only says where to begin.

Beside the samples of the flow some are of the prior, so that what the flow leaves out has a chance.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.posterior.annealing import Annealed, anneal
from sfhmodel.posterior.coordinates import ParameterCoordinates, by_scalar, log_normal, probabilities
from sfhsim import Likelihood, Simulator
from sfhsim.errors import SfhsimError

if TYPE_CHECKING:
    from sfhmodel.inference import Prediction
    from sfhmodel.posterior.posterior import Posterior

_OF_PRIOR = 0.05


@dataclass(frozen=True, eq=False)
class Simulated:
    """Galaxies of a recipe.

    Attributes
    ----------
    mass_fraction : (n, n_age_bin)
    scalars : (n, 3), see `sfhmodel.posterior.coordinates.SCALARS`.
    parameters : by name, those that vary, each (n,); NaN where a galaxy's history has no such parameter.
    """

    mass_fraction: np.ndarray
    scalars: np.ndarray
    parameters: dict[str, np.ndarray]


def make_simulator(coordinates: ParameterCoordinates) -> Simulator:
    """The simulator of the galaxies that a flow learnt from.

    Raises
    ------
    InputError
        What it needs is not on this machine.
    """
    try:
        return Simulator.from_recipe(coordinates.recipe)
    except SfhsimError as error:
        raise InputError(f"the galaxies that these posteriors are of cannot be simulated here: {error}") from error


def scalars_of(simulator: Simulator, truth: np.ndarray) -> np.ndarray:
    """(n, 3), see `sfhmodel.posterior.coordinates.SCALARS`, of the truths (n, n_truth) of simulated galaxies."""
    names = [entry["name"] for entry in simulator.truths.entries]
    columns = [names.index(name) for name in ("mean_metallicity_mass", "mean_metallicity_light", "a_v_mag")]
    found = truth[:, columns].astype(np.float64)
    found[:, :2] = np.log10(found[:, :2])
    return found


def simulated(simulator: Simulator, coordinates: ParameterCoordinates, points: np.ndarray) -> Simulated:
    """The galaxies at points (n, n_coordinate)."""
    fractions, scalars = [], []
    values: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(points), 256):
        draws = coordinates.cube.draws(probabilities(points[start : start + 256]))
        batch = simulator.simulate(draws)
        fractions.append(batch.mass_fraction.astype(np.float64))
        scalars.append(scalars_of(simulator, batch.truth))
        for name, value in coordinates.cube.values(draws).items():
            values.setdefault(name, []).append(value)
    parameters = {name: np.concatenate(parts) for name, parts in values.items()}
    return Simulated(np.concatenate(fractions), np.concatenate(scalars), parameters)


def samples_of_parameters(
    posterior: Posterior,
    features: np.ndarray,
    prediction: Prediction,
    n: int,
    seed: int,
    correct: bool,
    on_progress: Callable[[int], None],
) -> dict[str, Any]:
    """Attributes of `PosteriorSamples` of a flow of parameters: a simulator makes the galaxies of its points."""
    coordinates, inputs = posterior.coordinates, prediction.inputs
    assert isinstance(coordinates, ParameterCoordinates)
    assert inputs is not None  # `Posterior.sample` refuses
    simulator = make_simulator(coordinates)
    found, galaxies = [], []
    for k, name in enumerate(prediction.names):
        if correct:
            likelihood = likelihood_of(simulator, inputs, k, name)
            found.append(corrected_samples(posterior, likelihood, features[k], n, seed, k))
            points = found[-1].points
        else:
            points = posterior.sample_points(features[k : k + 1], n, seed)[0]
        galaxies.append(simulated(simulator, coordinates, points))
        on_progress(1)
    told = {"effective_samples": "effective", "steps": "steps", "renewed": "renewed"} if correct else {}
    return {
        "mass_fraction": np.stack([galaxy.mass_fraction for galaxy in galaxies]),
        **by_scalar(np.stack([galaxy.scalars for galaxy in galaxies])),
        "parameters": {
            key: np.stack([galaxy.parameters[key] for galaxy in galaxies]) for key in coordinates.cube.names
        },
        **{column: np.array([getattr(one, name) for one in found]) for column, name in told.items()},
    }


def likelihood_of(simulator: Simulator, inputs: dict, k: int, name: str) -> Likelihood:
    """The likelihood of a galaxy as the network saw it.

    Raises
    ------
    InputError
        It has no errors.
    """
    flux = np.where(np.asarray(inputs["mask"][k]) > 0, inputs["flux"][k], np.nan)
    data = [flux, *(np.asarray(inputs[key][k]) for key in ("flux_error", "magnitudes", "magnitude_errors"))]
    try:
        return Likelihood(simulator, *data)
    except SfhsimError as error:
        raise InputError(f"{name}: samples cannot be corrected: {error}") from error


def corrected_samples(
    posterior: Posterior, likelihood: Likelihood, features: np.ndarray, n: int, seed: int, k: int
) -> Annealed:
    """Samples of the posterior of galaxy k of some, from n of a flow with its features (n_feature,)."""
    points = posterior.sample_points(features[None], n, seed)[0]
    log_flow = functools.partial(posterior.log_density, features=features)
    return corrected(likelihood, points, log_flow, np.random.default_rng([seed, k]))


def corrected(
    likelihood: Likelihood,
    points: np.ndarray,
    log_flow: Callable[[np.ndarray], np.ndarray],
    random: np.random.Generator,
    **how,
) -> Annealed:
    """Samples of the posterior of one galaxy.

    Parameters
    ----------
    likelihood : of its spectrum.
    points : (n, n_coordinate) of the flow; some are replaced by ones of the prior.
    log_flow : natural logarithm of the flow's density (n,) at points.
    how : see `anneal`.
    """
    cube, points = likelihood.cube, points.astype(np.float64)
    of_prior = random.random(len(points)) < _OF_PRIOR
    points[of_prior] = random.standard_normal((int(of_prior.sum()), len(cube)))
    counter = np.zeros(1, dtype=np.int64)

    def start(z: np.ndarray) -> np.ndarray:
        return np.logaddexp(np.log1p(-_OF_PRIOR) + log_flow(z), np.log(_OF_PRIOR) + log_normal(z))

    def target(z: np.ndarray) -> np.ndarray:
        counter[0] += len(z)  # lines that a recipe scatters are other ones in each galaxy
        ids = np.arange(counter[0] - len(z), counter[0])
        return likelihood(probabilities(z), ids) + log_normal(z)

    movable = [cube.decides(family) for family in range(cube.n_family)]
    densities = start, target, lambda z: cube.family(probabilities(z))
    found = anneal(points, *densities, movable, random, of_normal=cube.family_share, **how)
    idle = ~np.stack(movable)[cube.family(probabilities(found.points))]
    idle[:, [name == "history.family" for name in cube.names]] = False
    found.points[idle] = random.standard_normal(int(idle.sum()))  # nothing depends on them
    return found
