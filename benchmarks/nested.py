"""Are corrected samples those of nested sampling: ``python -m benchmarks.nested [--galaxies N] [--keep FOLDER]``.

A flow of the parameters of the recipe `phangs-muse-hst-embedded` is trained on the features of MODEL. Galaxies that it
never saw, of one S/N, are then sampled, and the samples corrected by the likelihood of the simulator
(`sfhmodel.posterior.correction`); the same likelihood and prior are given to nested sampling (nautilus, Lange 2023,
MNRAS 525, 3181; extra ``bench``), once for each kind of history in the coordinates that matter to it, weighted by
their evidences: fewer coordinates, and no kind is left to chance. Both are then judged by importance sampling around
the samples of both (`sfhmodel.posterior.weights`), which knows how many samples it is worth; it can miss what neither
has found. For each summary of a galaxy, of one against a second:

    off      difference of the medians, over the half width of the second's 68%
    width    ratio of the widths of the 68% intervals

Below it effective sample sizes, CPU seconds and likelihoods of a galaxy. With ``--repeat N`` nested sampling is done
twice for the first N galaxies, with other random numbers, and the second compared with the first in the same way:
closer than that nothing can be said to agree. With ``--calibrate N`` further galaxies are only sampled and corrected,
and ranks of their truths tested (see `benchmarks.posterior`).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.folders import kept_or_temporary
from sfhsim.files import whole_file
from sfhsim.sealed import read_json, write_json

RECIPE = "phangs-muse-hst-embedded"
QUANTILES = (0.16, 0.5, 0.84)
_N_EFFECTIVE = 4000  # of nested sampling
_N_WEIGHTED, _MOST_ROUNDS = 5000.0, 40  # samples that weights are worth which judge, and rounds
_PAIRS = ("corrected, nested", "corrected, weights", "nested, weights", "nested again")
SUMMARIES = ("mean_log10_age_yr", "log10_metallicity_mass", "a_v_mag")


def main() -> None:
    """Parse the command line, train, sample, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="phangs-muse-hst", help="file, run or preset")
    parser.add_argument("--snr", type=float, default=30.0, help="per pixel of the galaxies measured")
    parser.add_argument("--galaxies", type=int, default=2, help="that nested sampling is run on")
    parser.add_argument("--calibrate", type=int, default=0, help="galaxies that are only sampled")
    parser.add_argument("--records", type=int, default=20_000, help="galaxies to learn from")
    parser.add_argument("--steps", type=int, default=2000, help="of the flow's training")
    parser.add_argument("--samples", type=int, default=2000, help="of each galaxy")
    parser.add_argument("--live", type=int, default=500, help="live points of nested sampling")
    parser.add_argument("--most", type=int, default=1_000_000, help="likelihoods of nested sampling, for each kind")
    parser.add_argument("--repeat", type=int, default=0, help="galaxies that nested sampling is run on twice")
    parser.add_argument("--processes", type=int, default=1, help="that nested sampling is done in")
    parser.add_argument("--keep", type=Path, help="keep data, flow and results in this folder")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        run(folder, options)


class Nested(NamedTuple):
    """Points (n, n_dim) of the unit cube, ln of what each adds to the evidence (n,), likelihoods asked for, and
    whether it came to its end."""

    points: np.ndarray
    log_evidence: np.ndarray
    likelihoods: int
    ended: bool


def run(folder: Path, options: argparse.Namespace) -> list[dict]:
    """Train where there is no flow yet, measure, print; a row for each galaxy compared."""
    import sfhsim
    from sfhmodel.inference import load
    from sfhmodel.posterior import FlowConfig, Posterior, train_posterior
    from sfhsim.recipe import load_recipe, recipe_from_dict, recipe_to_dict

    dataset, flow = folder / "dataset", folder / "flow.npz"
    if not (dataset / "manifest.json").is_file():
        n = options.records + 2000
        split = {"train": options.records / n, "validation": 2000 / n}
        sfhsim.generate_dataset(RECIPE, n, dataset, seed=71, split=split)
    if not flow.is_file():
        began = time.process_time()
        config = FlowConfig(of="parameters", steps=options.steps)
        train_posterior(options.model, dataset, flow, config, show_progress=True)
        print(f"training: {time.process_time() - began:.0f} CPU s")
    posterior, predictor = Posterior.load(flow), load(options.model, backend="keras")
    plain = recipe_to_dict(load_recipe(RECIPE))
    recipe = recipe_from_dict(plain | {"noise": plain["noise"] | {"snr": options.snr}})
    simulator = sfhsim.Simulator.from_recipe(recipe, seed=72)
    predictions = [predicted(predictor, simulator.batch([number])) for number in range(options.galaxies)]
    rows, edges_yr = [], np.asarray(predictor.description.age_bin_edges_yr)
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        theirs = [
            [
                pool.submit(
                    nested_galaxy, folder, number, again, prediction.inputs, edges_yr, options.live, options.most
                )
                for again in range(1 + (number < options.repeat))
            ]
            for number, prediction in enumerate(predictions)
        ]
        for number, prediction in enumerate(predictions):
            ours = sampled_galaxy(folder, number, posterior, predictor, prediction, options.samples)
            of_nested = [of_run.result() for of_run in theirs[number]]
            judged = judged_galaxy(folder, number, prediction.inputs, edges_yr)
            rows.append(compared(number, ours, of_nested[0], judged, *of_nested[1:]))
            print_row(rows[-1])
    if rows:
        print_summary(rows)
    if options.calibrate:
        calibrated(posterior, predictor, simulator, np.arange(1000, 1000 + options.calibrate), options.samples)
    return rows


def predicted(predictor, batch):
    """What the network makes of the galaxies of a batch."""
    return predictor.predict(
        predictor.description.wave_aa,
        batch.spectrum,
        batch.spectrum_error,
        batch.photometry,
        magnitude_errors=batch.photometry_error,
    )


def sampled_galaxy(folder: Path, number: int, posterior, predictor, prediction, n: int) -> dict:
    """Quantiles of the summaries of corrected samples of a galaxy, and what they cost; kept in the folder."""
    from sfhmodel.posterior.coordinates import probabilities
    from sfhmodel.posterior.correction import corrected_samples, likelihood_of, make_simulator
    from sfhmodel.posterior.posterior import features_of

    path = folder / f"galaxy-{number}.json"
    if not path.is_file():
        began = time.process_time()
        likelihood = likelihood_of(make_simulator(posterior.coordinates), prediction.inputs, 0, str(number))
        features = features_of(predictor.model, prediction.inputs)
        found = corrected_samples(posterior, likelihood, features[0], n, 1, 0)
        row = {"cpu_s": time.process_time() - began, "effective": found.effective, "renewed": found.renewed,
               "weighted": found.weighted, "log_evidence": found.log_evidence}  # fmt: skip
        points, edges_yr = probabilities(found.points), np.asarray(predictor.description.age_bin_edges_yr)
        row |= quantiles_of(likelihood, points, np.full(n, 1.0 / n), edges_yr)
        keep(path, row, [points])
    return read_json(path)


def nested_galaxy(
    folder: Path, number: int, again: int, inputs: dict, edges_yr: np.ndarray, n_live: int, most: int
) -> dict:
    """The same of nested sampling, in a process of its own; no model has a part in it."""
    path = folder / f"nested-{number}-{again}.json"
    if not path.is_file():
        began, likelihood = time.process_time(), likelihood_of_recipe(inputs, number)
        found = nested(likelihood, n_live, 1000 * again + number, most)
        total = np.logaddexp.reduce(found.log_evidence)
        row = {"cpu_s": time.process_time() - began, "likelihoods": found.likelihoods, "ended": found.ended}
        weight = np.exp(found.log_evidence - total)
        row |= {"log_evidence": float(total)} | quantiles_of(likelihood, found.points, weight, edges_yr)
        random, kind = np.random.default_rng(number), likelihood.cube.family(found.points)
        rows = [np.flatnonzero(kind == of) for of in np.unique(kind)]
        shares = [np.exp(found.log_evidence[of] - np.logaddexp.reduce(found.log_evidence[of])) for of in rows]
        keep(path, row, [found.points[random.choice(of, 2000, p=p)] for of, p in zip(rows, shares, strict=True)])
    return read_json(path)


def judged_galaxy(folder: Path, number: int, inputs: dict, edges_yr: np.ndarray) -> dict:
    """The same of importance sampling around the samples of both."""
    from sfhmodel.posterior.coordinates import normal_deviates, probabilities
    from sfhmodel.posterior.correction import Target
    from sfhmodel.posterior.weights import weighted

    path = folder / f"judged-{number}.json"
    if not path.is_file():
        began, likelihood = time.process_time(), likelihood_of_recipe(inputs, number)
        samples = [kept_points(folder / f"{of}.json") for of in (f"galaxy-{number}", f"nested-{number}-0")]
        target = Target(likelihood)
        how = {"wanted": _N_WEIGHTED, "most_rounds": _MOST_ROUNDS, "random": np.random.default_rng(number)}
        found = weighted([normal_deviates(of) for of in samples], target, **how, **target.how)
        row = {"cpu_s": time.process_time() - began, "effective": found.effective, "likelihoods": len(found.points)}
        row["log_evidence"] = found.log_evidence
        write_json(path, row | quantiles_of(likelihood, probabilities(found.points), found.share, edges_yr))
    return read_json(path)


def likelihood_of_recipe(inputs: dict, number: int):
    """Of a galaxy as the network saw it."""
    import sfhsim
    from sfhmodel.posterior.correction import likelihood_of

    return likelihood_of(sfhsim.Simulator.from_recipe(RECIPE), inputs, 0, str(number))


def quantiles_of(likelihood, points: np.ndarray, weight: np.ndarray, edges_yr: np.ndarray) -> dict:
    """Of each summary."""
    found = summaries_of(likelihood, points, edges_yr)
    return {name: weighted_quantiles(found[name], weight, QUANTILES).tolist() for name in SUMMARIES}


def keep(path: Path, row: dict, points: list[np.ndarray]) -> None:
    """Write a result, after the points that it is of."""
    with whole_file(path.with_suffix(".npz")) as partial, partial.open("wb") as file:
        np.savez(file, points=np.concatenate(points))
    write_json(path, row)


def kept_points(path: Path) -> np.ndarray:
    """(n, n_dim)"""
    with np.load(path.with_suffix(".npz")) as found:
        return found["points"]


def nested(likelihood, n_live: int, seed: int, most: int) -> Nested:
    """Nested sampling of each kind of history, together."""
    cube, parts = likelihood.cube, []
    for share, end in zip(cube.family_share, np.cumsum(cube.family_share), strict=True):
        point = np.full(len(cube), end - 0.5 * share)
        own = cube.decides(int(cube.family(point[None])[0]))
        found = nested_within(likelihood, own, point, n_live, seed, most)
        parts.append(found._replace(log_evidence=found.log_evidence + np.log(share)))
    points, log_evidence, count, ended = zip(*parts, strict=True)
    return Nested(np.concatenate(points), np.concatenate(log_evidence), sum(count), all(ended))


def nested_within(likelihood, own: np.ndarray, point: np.ndarray, n_live: int, seed: int, most: int) -> Nested:
    """In the coordinates ``own`` (n_dim,) bool, the others being those of ``point`` (n_dim,)."""
    from nautilus import Sampler

    def whole(points: np.ndarray) -> np.ndarray:
        found = np.tile(point, (len(points), 1))
        found[:, own] = points
        return found

    sampler = Sampler(
        lambda cube: cube,
        lambda points: np.maximum(likelihood(whole(np.atleast_2d(points))), -1e10),
        n_dim=int(own.sum()),
        n_live=n_live,
        n_batch=500,
        n_networks=1,  # most of the time goes into their training
        vectorized=True,
        pass_dict=False,
        seed=seed,
    )
    ended = sampler.run(n_eff=_N_EFFECTIVE, n_like_max=most)
    points, log_weight, _ = sampler.posterior()
    log_evidence = log_weight - np.logaddexp.reduce(log_weight) + sampler.log_z
    return Nested(whole(points), log_evidence, int(sampler.n_like), bool(ended))


def compared(number: int, ours: dict, theirs: dict, judged: dict, again: dict | None = None) -> dict:
    """Corrected samples of a galaxy, nested sampling, this once more where it was done twice, and importance weights,
    against one another; nested sampling where it came to its end."""
    pairs = {"corrected, weights": (ours, judged)}
    if theirs["ended"]:
        pairs |= {"corrected, nested": (ours, theirs), "nested, weights": (theirs, judged)}
    if again and theirs["ended"] and again["ended"]:
        pairs["nested again"] = again, theirs
    row = {"galaxy": number, "nested": theirs, "ours": ours, "judged": judged}
    return row | {
        pair: {name: against(one[name], other[name]) for name in SUMMARIES} for pair, (one, other) in pairs.items()
    }


def against(quantiles: list[float], of_second: list[float]) -> dict[str, float]:
    """How two posteriors of a summary differ."""
    width = of_second[2] - of_second[0]
    off = (quantiles[1] - of_second[1]) / (0.5 * width)
    return {"off": off, "width": (quantiles[2] - quantiles[0]) / width}


def summaries_of(likelihood, points: np.ndarray, edges_yr: np.ndarray) -> dict[str, np.ndarray]:
    """`SUMMARIES` (n,) of the galaxies at points, as `PosteriorSamples.quantities` defines them."""
    from sfhmodel.posterior.correction import scalars_of

    found = likelihood.evaluate(points)
    by_mass, _, a_v_mag = scalars_of(likelihood.simulator, found.truth).T
    middle = np.log10(0.5 * (edges_yr[:-1] + edges_yr[1:]))
    return dict(zip(SUMMARIES, (found.mass_fraction @ middle, by_mass, a_v_mag), strict=True))


def weighted_quantiles(values: np.ndarray, weight: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles of weighted samples."""
    order = np.argsort(values)
    share = np.cumsum(weight[order]) - 0.5 * weight[order]
    return np.interp(levels, share, values[order])


def print_row(row: dict) -> None:
    """A galaxy as text."""
    ours, theirs, judged = row["ours"], row["nested"], row["judged"]
    ended = "" if theirs["ended"] else " (not ended)"
    print(f"galaxy {row['galaxy']}: renewed {ours['renewed']:.1f}, weights at last worth {ours['weighted']:.0f}; "
          f"{ours['cpu_s']:.0f} CPU s against {theirs['cpu_s']:.0f}{ended}; judged by weights worth "
          f"{judged['effective']:.0f} samples; ln evidence {ours['log_evidence']:.2f}, {theirs['log_evidence']:.2f}, "
          f"{judged['log_evidence']:.2f}")  # fmt: skip
    for pair in _PAIRS:
        if pair in row:
            parts = [f"{name} {row[pair][name]['off']:+.2f}, {row[pair][name]['width']:.2f}" for name in SUMMARIES]
            print(f"    {pair:20s}{'; '.join(parts)}")


def print_summary(rows: list[dict]) -> None:
    """All galaxies as text."""
    print(f"{'':50s}{'rms off':>9s}{'worst':>8s}{'mean width':>12s}{'least':>7s}{'most':>7s}")
    for pair in _PAIRS:
        for name in SUMMARIES:
            if both := [row[pair][name] for row in rows if pair in row]:
                off, width = (np.array([of[key] for of in both]) for key in ("off", "width"))
                print(f"{pair:20s}{name:30s}{np.sqrt(np.mean(off**2)):9.2f}{np.abs(off).max():8.2f}{width.mean():12.2f}"
                      f"{width.min():7.2f}{width.max():7.2f}")  # fmt: skip

    def median(side: str, key: str) -> float:
        return float(np.median([row[side][key] for row in rows]))

    print(f"median effective sample size of the flow's samples {median('ours', 'effective'):.0f}, of the weights "
          f"{median('judged', 'effective'):.0f}; CPU seconds a galaxy {median('ours', 'cpu_s'):.0f}, nested sampling "
          f"{median('nested', 'cpu_s'):.0f}, with {median('nested', 'likelihoods'):.0f} likelihoods")  # fmt: skip


def calibrated(posterior, predictor, simulator, ids: np.ndarray, n: int) -> list[dict]:
    """Test the ranks of truths among corrected samples, and print."""
    from benchmarks.posterior import measured, print_rows
    from sfhmodel.posterior.correction import scalars_of

    batch = simulator.batch(ids)
    found = posterior.sample(predictor, predicted(predictor, batch), n, seed=1, correct=True)
    true = {"mass_fraction": batch.mass_fraction.astype(np.float64), "scalars": scalars_of(simulator, batch.truth)}
    of_samples = np.stack([found.log10_metallicity_mass, found.log10_metallicity_light, found.a_v_mag], axis=-1)
    rows = measured(true, found.mass_fraction, of_samples, np.asarray(predictor.description.age_bin_edges_yr))
    print_rows(rows)
    effective = np.quantile(found.effective_samples, (0.16, 0.5, 0.84))
    print(f"{len(ids)} galaxies; effective sample sizes of {n} samples of the flow, 16, 50, 84%: "
          f"{', '.join(f'{value:.1f}' for value in effective)}; steps {np.median(found.steps):.0f}")  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
