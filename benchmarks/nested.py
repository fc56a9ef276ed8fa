"""Are corrected samples those of nested sampling: ``python -m benchmarks.nested [--galaxies N] [--keep FOLDER]``.

A flow of the parameters of the recipe `phangs-muse-hst-embedded` is trained on the features of MODEL. Galaxies that it
never saw, of one S/N, are then sampled, and the samples corrected by the likelihood of the simulator
(`sfhmodel.posterior.correction`); the same likelihood and prior are given to nested sampling (nautilus, Lange 2023,
MNRAS 525, 3181; extra ``bench``). For each summary of a galaxy:

    off      difference of the medians, over the half width of the nested samples' 68%
    width    ratio of the widths of the 68% intervals

Below it effective sample sizes, seconds and likelihoods of a galaxy. With ``--calibrate N`` further galaxies are only
sampled and corrected, and ranks of their truths tested (see `benchmarks.posterior`).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from benchmarks.folders import kept_or_temporary
from sfhsim.files import whole_file

RECIPE = "phangs-muse-hst-embedded"
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
    parser.add_argument("--effective", type=int, default=1000, help="samples that nested sampling is to end with")
    parser.add_argument("--live", type=int, default=1000, help="live points of nested sampling")
    parser.add_argument("--keep", type=Path, help="keep data, flow and results in this folder")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with kept_or_temporary(options.keep) as folder:
        run(folder, options)


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
    rows = []
    for number in range(options.galaxies):
        path = folder / f"galaxy-{number}.json"
        if not path.is_file():
            row = compared(posterior, predictor, simulator, number, options)
            with whole_file(path) as partial:
                partial.write_text(json.dumps(row, indent=1))
        rows.append(json.loads(path.read_text()))
        print_row(rows[-1])
    if rows:
        print_summary(rows)
    if options.calibrate:
        calibrated(posterior, predictor, simulator, np.arange(1000, 1000 + options.calibrate), options.samples)
    return rows


def sampled(posterior, predictor, batch, n: int):
    """Corrected samples of the galaxies of a batch."""
    prediction = predictor.predict(
        predictor.description.wave_aa,
        batch.spectrum,
        batch.spectrum_error,
        batch.photometry,
        magnitude_errors=batch.photometry_error,
    )
    return prediction, posterior.sample(predictor, prediction, n, seed=1, correct=True)


def compared(posterior, predictor, simulator, number: int, options: argparse.Namespace) -> dict:
    """What both ways give for a galaxy."""
    from sfhmodel.posterior.correction import likelihood_of

    batch, began = simulator.batch([number]), time.perf_counter()
    prediction, ours = sampled(posterior, predictor, batch, options.samples)
    row = {"galaxy": number, "seconds": time.perf_counter() - began, "effective": float(ours.effective_samples[0])}
    likelihood, began = likelihood_of(simulator, prediction.inputs, 0, str(number)), time.perf_counter()
    points, weight, row["likelihoods"] = nested(likelihood, options.live, options.effective, number)
    row["seconds_nested"] = time.perf_counter() - began
    theirs = summaries_of(likelihood, points, predictor.description.age_bin_edges_yr)
    for name in SUMMARIES:
        low, middle, high = weighted_quantiles(theirs[name], weight, (0.16, 0.5, 0.84))
        own = np.quantile(ours.quantities()[name][1][0], (0.16, 0.5, 0.84))
        row[name] = {
            "off": float((own[1] - middle) / (0.5 * (high - low))),
            "width": float((own[2] - own[0]) / (high - low)),
            "median": float(own[1]),
            "nested": float(middle),
        }
    return row


def nested(likelihood, n_live: int, n_effective: int, seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Points (n, n_dim) of the cube, their weights, and the number of likelihoods that nested sampling asked for."""
    from nautilus import Sampler

    sampler = Sampler(
        lambda cube: cube,
        lambda points: np.maximum(likelihood(np.atleast_2d(points)), -1e10),
        n_dim=len(likelihood.cube),
        n_live=n_live,
        n_batch=500,
        n_networks=1,  # most of the time goes into their training
        vectorized=True,
        pass_dict=False,
        seed=seed,
    )
    sampler.run(n_eff=n_effective, verbose=False)
    points, log_weight, _ = sampler.posterior()
    weight = np.exp(log_weight - log_weight.max())
    return points, weight / weight.sum(), int(sampler.n_like)


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
    print(f"galaxy {row['galaxy']}: {'; '.join(parts)}; {row['seconds']:.0f} s against {row['seconds_nested']:.0f} s")


def print_summary(rows: list[dict]) -> None:
    """All galaxies as text."""
    print(f"{'summary':26s}{'rms off':>9s}{'worst':>8s}{'mean width':>12s}{'least':>7s}{'most':>7s}")
    for name in SUMMARIES:
        off, width = (np.array([row[name][key] for row in rows]) for key in ("off", "width"))
        print(f"{name:26s}{np.sqrt(np.mean(off**2)):9.2f}{np.abs(off).max():8.2f}{width.mean():12.2f}"
              f"{width.min():7.2f}{width.max():7.2f}")  # fmt: skip
    medians = {key: np.median([row[key] for row in rows]) for key in ("effective", "seconds", "seconds_nested")}
    print(f"median effective sample size of the flow's samples {medians['effective']:.0f}; seconds a galaxy "
          f"{medians['seconds']:.1f}, nested sampling {medians['seconds_nested']:.0f}, with "
          f"{np.median([row['likelihoods'] for row in rows]):.0f} likelihoods")  # fmt: skip


def calibrated(posterior, predictor, simulator, ids: np.ndarray, n: int) -> list[dict]:
    """Test the ranks of truths among corrected samples, and print."""
    from benchmarks.posterior import measured, print_rows
    from sfhmodel.posterior.correction import scalars_of

    batch = simulator.batch(ids)
    _, found = sampled(posterior, predictor, batch, n)
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
