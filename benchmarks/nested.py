"""Are corrected samples those of nested sampling: ``python -m benchmarks.nested [--galaxies N] [--keep FOLDER]``.

A flow of the parameters of the recipe `phangs-muse-hst-embedded` is trained on the features of MODEL. Galaxies that it
never saw, of one S/N, are then sampled, and the samples corrected by the likelihood of the simulator
(`sfhmodel.posterior.correction`); the same likelihood and prior are given to nested sampling (nautilus, Lange 2023,
MNRAS 525, 3181; extra ``bench``), once for each kind of history in the coordinates that matter to it, weighted by
their evidences: fewer coordinates, and no kind is left to chance. For each summary of a galaxy:

    off      difference of the medians, over the half width of the nested samples' 68%
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
from sfhsim.sealed import read_json, write_json

RECIPE = "phangs-muse-hst-embedded"
QUANTILES = (0.16, 0.5, 0.84)
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
    parser.add_argument("--repeat", type=int, default=0, help="galaxies that nested sampling is run on twice")
    parser.add_argument("--processes", type=int, default=1, help="that nested sampling is done in")
    parser.add_argument("--keep", type=Path, help="keep data, flow and results in this folder")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        run(folder, options)


class Nested(NamedTuple):
    """Points (n, n_dim) of the unit cube, ln of what each adds to the evidence (n,), and likelihoods asked for."""

    points: np.ndarray
    log_evidence: np.ndarray
    likelihoods: int


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
                pool.submit(nested_galaxy, folder, number, again, prediction.inputs, edges_yr, options.live)
                for again in range(1 + (number < options.repeat))
            ]
            for number, prediction in enumerate(predictions)
        ]
        paths = [folder / f"galaxy-{number}.json" for number in range(options.galaxies)]
        for path, prediction in zip(paths, predictions, strict=True):
            if not path.is_file():
                write_json(path, sampled_galaxy(posterior, predictor, prediction, options.samples))
        for number, path in enumerate(paths):
            rows.append(compared(number, read_json(path), *(of_run.result() for of_run in theirs[number])))
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


def sampled_galaxy(posterior, predictor, prediction, n: int) -> dict:
    """Quantiles of the summaries of corrected samples of a galaxy, and what they cost."""
    began = time.process_time()
    found = posterior.sample(predictor, prediction, n, seed=1, correct=True)
    row = {"cpu_s": time.process_time() - began}
    row |= {key: float(getattr(found, key)[0]) for key in ("effective_samples", "renewed")}
    quantities = found.quantities()
    return row | {name: np.quantile(quantities[name][1][0], QUANTILES).tolist() for name in SUMMARIES}


def nested_galaxy(folder: Path, number: int, again: int, inputs: dict, edges_yr: np.ndarray, n_live: int) -> dict:
    """The same of nested sampling, in a process of its own; kept in the folder, as no model has a part in it."""
    import sfhsim
    from sfhmodel.posterior.correction import likelihood_of

    path = folder / f"nested-{number}-{again}.json"
    if not path.is_file():
        began = time.process_time()
        likelihood = likelihood_of(sfhsim.Simulator.from_recipe(RECIPE), inputs, 0, str(number))
        found = nested(likelihood, n_live, 1000 * again + number)
        total = np.logaddexp.reduce(found.log_evidence)
        row = {"cpu_s": time.process_time() - began, "likelihoods": found.likelihoods, "log_evidence": float(total)}
        theirs, weight = summaries_of(likelihood, found.points, edges_yr), np.exp(found.log_evidence - total)
        row |= {name: weighted_quantiles(theirs[name], weight, QUANTILES).tolist() for name in SUMMARIES}
        write_json(path, row)
    return read_json(path)


def nested(likelihood, n_live: int, seed: int) -> Nested:
    """Nested sampling of each kind of history, together."""
    cube, parts = likelihood.cube, []
    for share, end in zip(cube.family_share, np.cumsum(cube.family_share), strict=True):
        point = np.full(len(cube), end - 0.5 * share)
        own = cube.decides(int(cube.family(point[None])[0]))
        found = nested_within(likelihood, own, point, n_live, seed)
        parts.append(found._replace(log_evidence=found.log_evidence + np.log(share)))
    points, log_evidence, count = zip(*parts, strict=True)
    return Nested(np.concatenate(points), np.concatenate(log_evidence), sum(count))


def nested_within(likelihood, own: np.ndarray, point: np.ndarray, n_live: int, seed: int) -> Nested:
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
    sampler.run(verbose=False)
    points, log_weight, _ = sampler.posterior()
    return Nested(whole(points), log_weight - np.logaddexp.reduce(log_weight) + sampler.log_z, int(sampler.n_like))


def compared(number: int, ours: dict, theirs: dict, again: dict | None = None) -> dict:
    """Corrected samples of a galaxy against nested sampling, and this against itself where it was done twice."""
    row = {"galaxy": number, "nested": theirs, "ours": ours}
    for name in SUMMARIES:
        row[name] = against(ours[name], theirs[name])
        if again:
            row[f"{name} again"] = against(again[name], theirs[name])
    return row


def against(quantiles: list[float], of_nested: list[float]) -> dict[str, float]:
    """How two posteriors of a summary differ."""
    width = of_nested[2] - of_nested[0]
    off = (quantiles[1] - of_nested[1]) / (0.5 * width)
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
    parts = [f"{name}: off {row[name]['off']:+.2f}, width {row[name]['width']:.2f}" for name in SUMMARIES]
    ours, theirs = row["ours"], row["nested"]
    print(f"galaxy {row['galaxy']}: {'; '.join(parts)}; renewed {ours['renewed']:.1f}; "
          f"{ours['cpu_s']:.0f} CPU s against {theirs['cpu_s']:.0f}")  # fmt: skip


def print_summary(rows: list[dict]) -> None:
    """All galaxies as text."""
    print(f"{'summary':30s}{'rms off':>9s}{'worst':>8s}{'mean width':>12s}{'least':>7s}{'most':>7s}")
    for name in (*SUMMARIES, *(f"{name} again" for name in SUMMARIES)):
        if both := [row[name] for row in rows if name in row]:
            off, width = (np.array([of[key] for of in both]) for key in ("off", "width"))
            print(f"{name:30s}{np.sqrt(np.mean(off**2)):9.2f}{np.abs(off).max():8.2f}{width.mean():12.2f}"
                  f"{width.min():7.2f}{width.max():7.2f}")  # fmt: skip

    def median(side: str, key: str) -> float:
        return float(np.median([row[side][key] for row in rows]))

    print(f"median effective sample size of the flow's samples {median('ours', 'effective_samples'):.0f}; CPU seconds "
          f"a galaxy {median('ours', 'cpu_s'):.0f}, nested sampling {median('nested', 'cpu_s'):.0f}, with "
          f"{median('nested', 'likelihoods'):.0f} likelihoods")  # fmt: skip


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
