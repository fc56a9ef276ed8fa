"""The model against full-spectrum fitting: ``python -m benchmarks.fitting [MODEL] [--world NAME ...] [--galaxies N]``.

The same galaxies of worlds of `benchmarks.worlds`, spectrum alone, by MODEL and by pPXF (Cappellari 2023, MNRAS 526,
3273; extra ``bench``): weights of SSPs of a library over age and Z, regularised, a multiplicative polynomial, gas lines
with kinematics of their own, noise scaled to a reduced chi-square of 1. Each is told the redshift, not the dispersion.

cumulative error   mean over galaxies and age bins of |C - C_true|, C the cumulative mass fraction
bias, scatter      median, and 1.48 times the median absolute deviation, of predicted - true
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from threadpoolctl import threadpool_limits

from benchmarks.worlds import first_galaxies, worlds
from sfhmodel.building import definition
from sfhsim.constants import C_KMS
from sfhsim.libraries import load_library
from sfhsim.libraries.broadened import broadened
from sfhsim.libraries.interpolation import at_templates

AGES_PER_DEX, YOUNGEST_YR = 8, 1e6
SUMMARIES = ("mean_log10_age_yr_mass", "log10_metallicity_mass")
_GAS_REACH_KMS = 1000.0


class FullSpectrumFitting:
    """pPXF with the SSPs of a library.

    Parameters
    ----------
    library : name of an installed library.
    description : of the model that is compared with: wavelengths at rest, age bins.
    fwhm_aa : of the spectra and the templates.
    regul, mdegree : of pPXF: regularisation, degree of the multiplicative polynomial.
    """

    def __init__(self, library: str, description, fwhm_aa: float, regul: float = 20.0, mdegree: int = 8):
        from ppxf import ppxf_util

        self.regul, self.mdegree, self._description = regul, mdegree, description
        wave_aa = np.asarray(description.wave_aa)
        self._ends_aa = wave_aa[[0, -1]]
        self._velscale = float(C_KMS * np.log(wave_aa[-1] / wave_aa[0]) / (wave_aa.size - 1))
        self._ln_aa = ppxf_util.log_rebin(self._ends_aa, wave_aa, velscale=self._velscale)[1]
        known = load_library(library)
        step = float(np.diff(wave_aa).min())
        templates_aa = np.arange(wave_aa[0] - 60.0, wave_aa[-1] + 60.0, step)
        known = broadened(known, fwhm_aa, templates_aa)
        top_yr = min(known.age_yr[-1], description.age_bin_edges_yr[-1])
        self.age_yr = np.geomspace(YOUNGEST_YR, top_yr, round(AGES_PER_DEX * np.log10(top_yr / YOUNGEST_YR)) + 1)
        self.metallicity = known.metallicity
        flux = at_templates(known.metallicity, known.age_yr, np.asarray(known.flux), known.metallicity, self.age_yr)
        rebinned = [
            ppxf_util.log_rebin(templates_aa[[0, -1]], one, velscale=self._velscale)
            for one in flux.reshape(-1, flux.shape[-1])
        ]
        stars = np.array([one[0] for one in rebinned]).T
        self._ln_templates_aa = rebinned[0][1]
        self._scale = np.median(stars)
        self._stars = (stars / self._scale).reshape(-1, *flux.shape[:2])
        gas, self._gas_names, _ = ppxf_util.emission_lines(self._ln_templates_aa, self._ends_aa, fwhm_aa)
        self._gas = gas

    def __call__(self, flux: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mass fractions (n_age_bin,) and the mean log10 age [yr] and log10 of the mean Z by mass, (2,)."""
        weights = self._weights(flux, error)
        by_age = weights.sum(axis=0)
        edges_yr = np.asarray(self._description.age_bin_edges_yr)
        fractions = np.histogram(self.age_yr, edges_yr, weights=by_age)[0] / by_age.sum()
        age = (by_age * np.log10(self.age_yr)).sum() / by_age.sum()
        z = (weights.sum(axis=1) * self.metallicity).sum() / weights.sum()
        return fractions, np.array([age, np.log10(z)])

    def _weights(self, flux: np.ndarray, error: np.ndarray) -> np.ndarray:
        """(n_z, n_age) masses; the second fit has the noise that makes the first's chi-square 1."""
        from ppxf import ppxf_util
        from ppxf.ppxf import ppxf

        level = np.mean(flux)
        galaxy = ppxf_util.log_rebin(self._ends_aa, flux / level, velscale=self._velscale)[0]
        variance = ppxf_util.log_rebin(self._ends_aa, (error / level) ** 2, velscale=self._velscale)[0]
        noise, n_star = np.sqrt(np.maximum(variance, 1e-12)), self._stars[0].size
        templates = np.column_stack([self._stars.reshape(len(self._stars), -1), self._gas])
        component = [0] * n_star + [1] * self._gas.shape[1]
        for regul in (0.0, self.regul):
            fit = ppxf(
                templates, galaxy, noise, self._velscale, [[0.0, 150.0], [0.0, 100.0]], moments=[2, 2],
                bounds=[[[-300, 300], [10, 450]], [[-_GAS_REACH_KMS, _GAS_REACH_KMS], [10, 450]]],
                degree=-1, mdegree=self.mdegree, lam=np.exp(self._ln_aa), lam_temp=np.exp(self._ln_templates_aa),
                component=component, gas_component=np.array(component) > 0, gas_names=self._gas_names,
                reg_dim=self._stars.shape[1:], regul=regul, quiet=True,
            )  # fmt: skip
            noise = noise * np.sqrt(max(fit.chi2, 1e-3))
        return fit.weights[:n_star].reshape(self._stars.shape[1:])


def compare(model, recipe: Path, fitting: FullSpectrumFitting, n: int) -> dict[str, dict]:
    """Rows of both, on the same ``n`` galaxies."""
    from sfhmodel.evaluation.worlds import without_bands

    inputs, truths = first_galaxies(recipe, n, seed=555)
    targets = {name: np.asarray(values) for name, values in model.targets(truths).items()}
    names = list(model.description.summary_names)
    columns = [names.index(name) for name in SUMMARIES]
    model.predict_on_batch(without_bands(inputs))  # compiles
    began = time.perf_counter()
    answers = model.predict_on_batch(without_bands(inputs))
    network_s = (time.perf_counter() - began) / n
    began = time.perf_counter()
    with threadpool_limits(1):  # its matrices are small
        fits = [fitting(*pair) for pair in zip(inputs["flux"], inputs["flux_error"], strict=True)]
    fitting_s = (time.perf_counter() - began) / n
    fractions = {"network": np.asarray(answers["mass_fraction"]), "pPXF": np.array([one[0] for one in fits])}
    summaries = {"network": np.asarray(answers["summaries"])[:, columns], "pPXF": np.array([one[1] for one in fits])}
    seconds = {"network": network_s, "pPXF": fitting_s}
    return {
        who: row(fractions[who], summaries[who], targets["mass_fraction"], targets["summaries"][:, columns])
        | {"seconds": seconds[who]}
        for who in fractions
    }


def row(fractions: np.ndarray, summaries: np.ndarray, true_fractions: np.ndarray, true_summaries: np.ndarray) -> dict:
    """Cumulative error, and median and scatter of the summaries' errors."""
    off = summaries - true_summaries
    bias = np.median(off, axis=0)
    return {
        "cumulative_error": float(np.abs(np.cumsum(fractions, axis=1) - np.cumsum(true_fractions, axis=1)).mean()),
        "bias": bias,
        "scatter": 1.4826 * np.median(np.abs(off - bias), axis=0),
    }


def main() -> None:
    """Parse the command line, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="phangs-muse-hst", help="file, run or preset")
    parser.add_argument("--definition", default="phangs-muse-hst", help="whose worlds")
    parser.add_argument("--world", nargs="+", default=["bc03 cloudy", "emiles cloudy"], help="of benchmarks.worlds")
    parser.add_argument("--templates", nargs="+", default=["bc03-miles"], help="libraries that pPXF fits with")
    parser.add_argument("--galaxies", type=int, default=80)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from sfhmodel.inference import load

    model, recipes = load(options.model).model, worlds(definition(options.definition))
    fwhm_aa = _fwhm_aa(recipes[options.world[0]], model.description)  # the instrument is that of all worlds
    fittings = {library: FullSpectrumFitting(library, model.description, fwhm_aa) for library in options.templates}
    print(f"{'world':22s}{'who':>24s}{'error':>8s}{'age dex':>18s}{'[M/H] dex':>18s}{'s / galaxy':>12s}")
    with tempfile.TemporaryDirectory() as folder:
        for world in options.world:
            path = Path(folder) / "world.yaml"
            path.write_text(yaml.safe_dump(recipes[world], sort_keys=False))
            for library, fitting in fittings.items():
                for who, found in compare(model, path, fitting, options.galaxies).items():
                    name = f"{who} ({library})" if who == "pPXF" else who
                    spreads = "".join(
                        f"{b:+10.3f} ±{s:6.3f}" for b, s in zip(found["bias"], found["scatter"], strict=True)
                    )
                    print(f"{world:22s}{name:>24s}{found['cumulative_error']:8.4f}{spreads}{found['seconds']:12.2g}")


def _fwhm_aa(recipe: dict, description) -> float:
    """The median of the spectra's resolution, to which templates are brought."""
    from sfhsim.instrument import make_lsf

    lsf = recipe["spectrum"]["lsf"]
    options = {key: value for key, value in lsf.items() if key != "name"}
    return float(np.median(make_lsf(lsf["name"], **options).fwhm_aa(np.asarray(description.wave_aa))))


if __name__ == "__main__":
    main()
