"""Posteriors of a recipe's parameters by the likelihood of its own simulator: the flow only says where to begin.

Beside the samples of the flow some are of the prior, so that what the flow leaves out has a chance. They are annealed
(`sfhmodel.posterior.annealing`), and points drawn where they are weighed anew (`sfhmodel.posterior.weights`): the
samples given are of these points, where the weights are worth enough, else the annealed ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sfhmodel.errors import InputError
from sfhmodel.posterior.annealing import anneal
from sfhmodel.posterior.coordinates import ParameterCoordinates, by_scalar, log_normal, probabilities
from sfhmodel.posterior.weights import weighted
from sfhsim import Likelihood, PriorCube, Simulator
from sfhsim.errors import SfhsimError

if TYPE_CHECKING:
    from sfhmodel.inference import Prediction
    from sfhmodel.posterior.posterior import Posterior

_OF_PRIOR = 0.05
_N_ANNEALED = 1000  # fewer do not know their own shape, more are weighed sooner than annealed
_ALSO_AROUND = 2  # sets of before the last steps, wider than the posterior: points there show what annealing lost
_WANTED, _WANTED_AT_MOST = 3000.0, 10_000.0  # samples that weights are worth
_ENOUGH = 200.0  # medians are within 0.09 of a standard deviation
_TOLD = {  # of `PosteriorSamples`, by what `Corrected` has
    "effective_samples": "effective",
    "steps": "steps",
    "renewed": "renewed",
    "weighted_samples": "weighted",
}


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
    told = _TOLD if correct else {}
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


@dataclass(frozen=True, eq=False)
class Corrected:
    """Samples of the posterior of a galaxy.

    Attributes
    ----------
    points : (n, n_coordinate), equally likely.
    effective, steps, renewed : of annealing, see `sfhmodel.posterior.annealing.Annealed`.
    weighted : the effective sample size of the weights that the points were drawn by at last; 0 where they were worth
        too little, and the points are the annealed ones.
    log_evidence : natural logarithm, of these.
    """

    points: np.ndarray
    effective: float
    steps: int
    renewed: float
    weighted: float
    log_evidence: float


def corrected_samples(
    posterior: Posterior, likelihood: Likelihood, features: np.ndarray, n: int, seed: int, k: int
) -> Corrected:
    """Samples of the posterior of galaxy k of some, from those of a flow with its features (n_feature,)."""
    points = posterior.sample_points(features[None], _N_ANNEALED, seed)[0]
    log_flow = functools.partial(posterior.log_density, features=features)
    return corrected(likelihood, points, log_flow, n, np.random.default_rng([seed, k]))


class Target:
    """The posterior of a galaxy but for a constant, of normal deviates (n, n_coordinate).

    Attributes
    ----------
    how : what `anneal` and `weighted` ask for beside the density itself: groups are families of histories.
    """

    def __init__(self, likelihood: Likelihood):
        self._likelihood, self._cube, self._n_asked = likelihood, likelihood.cube, 0
        share = self._cube.family_share
        movable = [self._cube.decides(number) for number in range(len(share))]
        self.how: dict[str, Any] = {"groups": self.family, "movable": movable, "of_normal": share}

    def __call__(self, normal: np.ndarray) -> np.ndarray:
        """(n,) natural logarithm."""
        ids = np.arange(self._n_asked, self._n_asked + len(normal))
        self._n_asked += len(normal)  # lines that a recipe scatters are other ones in each galaxy
        return self._likelihood(probabilities(normal), ids) + log_normal(normal)

    def family(self, normal: np.ndarray) -> np.ndarray:
        """(n,) number."""
        return self._cube.family(probabilities(normal))


def corrected(
    likelihood: Likelihood,
    points: np.ndarray,
    log_flow: Callable[[np.ndarray], np.ndarray],
    n: int,
    random: np.random.Generator,
) -> Corrected:
    """Samples of the posterior of one galaxy.

    Parameters
    ----------
    likelihood : of its spectrum.
    points : (n_annealed, n_coordinate) of the flow; some are replaced by ones of the prior.
    log_flow : natural logarithm of the flow's density (n_point,) at points.
    n : samples wanted.
    """
    target, points = Target(likelihood), points.astype(np.float64)
    of_prior = random.random(len(points)) < _OF_PRIOR
    points[of_prior] = random.standard_normal((int(of_prior.sum()), points.shape[1]))

    def start(z: np.ndarray) -> np.ndarray:
        return np.logaddexp(np.log1p(-_OF_PRIOR) + log_flow(z), np.log(_OF_PRIOR) + log_normal(z))

    annealed = anneal(points, start, target, random=random, **target.how)
    sets = [annealed.points, *annealed.before[-_ALSO_AROUND:]]
    wanted = float(np.clip(2.0 * n, _WANTED, _WANTED_AT_MOST))
    found = weighted(sets, target, random=random, wanted=wanted, **target.how)
    samples = annealed.points[np.resize(random.permutation(len(points)), n)]
    if enough := found.effective >= _ENOUGH:  # families of few samples have no weights: these stay
        weighed = np.isin(target.family(samples), np.unique(target.family(found.points)))
        samples[weighed] = found.samples(int(weighed.sum()), random)
    _make_idle_random(samples, likelihood.cube, target, random)
    return Corrected(
        samples,
        annealed.effective,
        annealed.steps,
        annealed.renewed,
        found.effective if enough else 0.0,
        found.log_evidence if enough else annealed.log_evidence,
    )


def _make_idle_random(samples: np.ndarray, cube: PriorCube, target: Target, random: np.random.Generator) -> None:
    """Coordinates that a family does not move, but for its number: nothing depends on them."""
    idle = ~np.stack(target.how["movable"])[target.family(samples)]
    idle[:, [name == "history.family" for name in cube.names]] = False
    samples[idle] = random.standard_normal(int(idle.sum()))
