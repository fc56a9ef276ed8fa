"""What is no galaxy at rest must be flagged: ``python -m benchmarks.strangers [MODEL] [--galaxies N]``.

Spectra with the S/N of the recipe's own galaxies, of

    galaxies            of the definition's first world of the plain library: what must not be flagged
    redshift wrong      the same, by 0.02
    redshift 1          the same galaxies at z = 1, taken for z = 0
    flipped             the same, wavelengths the wrong way round
    quasars             a power law, broad Balmer lines, narrow [O III], iron as blends (Vanden Berk et al. 2001)
    stars               black bodies of 3,000 to 30,000 K: Balmer lines where hot, metals and TiO where cool
    sky                 airglow lines (Hanuschik 2003) on moonlight
    nothing             noise alone

Printed: the share of each that is called unlike the training data.
"""

from __future__ import annotations

import argparse
import functools
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from benchmarks.worlds import first_galaxies, worlds
from sfhmodel.building import definition
from sfhmodel.evaluation.worlds import without_bands
from sfhsim.constants import C_KMS
from sfhsim.recipe import recipe_from_dict

BALMER_AA = (6562.8, 4861.3, 4340.5, 4101.7, 3970.1)
OIII_AA = ((4958.9, 1 / 2.98), (5006.8, 1.0))
AIRGLOW_AA = {  # wavelength: height over the continuum
    5577.3: 10.0, 5890.0: 1.5, 5895.9: 0.8, 6300.3: 4.0, 6363.8: 1.3, 6498.7: 0.6, 6533.0: 0.7, 6553.6: 0.6,
    6863.9: 1.5, 6923.2: 1.3, 7276.4: 2.0, 7316.3: 2.5, 7340.9: 2.5, 7750.6: 3.0, 7794.1: 3.5, 7821.5: 3.0,
    7913.7: 3.5, 8344.6: 3.5,
    8399.2: 4.5, 8430.2: 4.0, 8465.4: 4.5, 8778.3: 3.0, 8827.1: 4.0, 8885.9: 4.5, 8919.6: 4.5,
}  # fmt: skip
TIO_AA = (
    (4761, 90),
    (4954, 90),
    (5167, 150),
    (5448, 100),
    (5847, 130),
    (6159, 170),
    (6651, 120),
    (7053, 200),
    (7589, 200),
)


def quasars(wave_aa: np.ndarray, random: np.random.Generator, n: int) -> np.ndarray:
    """(n, n_pixel) of mean 1."""
    flux = (wave_aa / 5500.0) ** random.uniform(-2.0, -0.5, (n, 1))
    sigma = random.uniform(1500.0, 4000.0, n) / C_KMS
    for k, line in enumerate(BALMER_AA):
        flux += random.uniform(0.5, 2.0, (n, 1)) / 2.0**k * _gauss(wave_aa, line, sigma * line)
    for line, share in OIII_AA:
        flux += share * random.uniform(0.1, 2.0, (n, 1)) * _gauss(wave_aa, line, np.full(n, 300.0 / C_KMS * line))
    for line in (4570.0, 5250.0):
        flux += random.uniform(0.05, 0.3, (n, 1)) * _gauss(wave_aa, line, np.full(n, 80.0))
    return flux / flux.mean(axis=1, keepdims=True)


def stars(wave_aa: np.ndarray, random: np.random.Generator, n: int) -> np.ndarray:
    """(n, n_pixel) of mean 1."""
    kelvin = np.exp(random.uniform(np.log(3000.0), np.log(30000.0), (n, 1)))
    flux = wave_aa**-5.0 / np.expm1(1.4388e8 / (wave_aa * kelvin))
    hot = np.exp(-(np.log(kelvin / 9500.0) ** 2) / (2 * 0.35**2))[:, 0]
    for k, line in enumerate(BALMER_AA):
        flux *= 1.0 - 0.65 * hot[:, None] * 0.95**k * _gauss(wave_aa, line, np.full(n, 10.0))
    cool = np.clip((4000.0 - kelvin) / 600.0, 0.0, 1.0)
    for head, width in TIO_AA:
        flux *= 1.0 - 0.7 * cool * np.where(wave_aa > head, np.exp(-(wave_aa - head) / width), 0.0)
    metals = np.clip((8000.0 - kelvin) / 3000.0, 0.0, 1.0)
    for line, depth in (
        (5175.0, 0.3),
        (5270.0, 0.15),
        (5892.0, 0.3),
        (4383.0, 0.2),
        (4227.0, 0.3),
        (3933.7, 0.8),
        (3968.5, 0.8),
    ):
        flux *= 1.0 - depth * metals * _gauss(wave_aa, line, np.full(n, 4.0))
    return flux / flux.mean(axis=1, keepdims=True)


def sky(wave_aa: np.ndarray, random: np.random.Generator, n: int) -> np.ndarray:
    """(n, n_pixel) of mean 1."""
    flux = (wave_aa / 5500.0) ** random.uniform(-1.0, 1.0, (n, 1))
    for line, height in AIRGLOW_AA.items():
        flux += height * random.uniform(0.3, 1.5, (n, 1)) * _gauss(wave_aa, line, np.full(n, 1.2))
    return flux / flux.mean(axis=1, keepdims=True)


def _gauss(wave_aa: np.ndarray, line_aa: float, sigma_aa: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * ((wave_aa - line_aa) / sigma_aa[:, None]) ** 2)


def kinds(content: dict, folder: Path, n: int) -> dict[str, Callable[[], dict]]:
    """Makers of inputs of a model, by what they are; magnitudes are missing."""
    recipe = worlds(content)["bc03 cloudy"]
    wave_aa = recipe_from_dict(recipe).spectrum.wave_aa

    def made(name: str, change: Callable[[dict], dict] = lambda recipe: recipe) -> dict:
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(change(recipe), sort_keys=False))
        return without_bands(first_galaxies(path, n, seed=556)[0])

    @functools.cache
    def usual() -> dict:
        return made("galaxies")

    def at(redshift: float) -> Callable[[dict], dict]:
        return lambda recipe: recipe | {"kinematics": recipe["kinematics"] | {"redshift": redshift}}

    def flipped() -> dict:
        inputs = usual()
        return {**inputs, **{key: np.ascontiguousarray(inputs[key][:, ::-1]) for key in ("flux", "flux_error")}}

    def other(spectra: Callable) -> Callable[[], dict]:
        def make() -> dict:
            inputs, random = usual(), np.random.default_rng(1)
            level = inputs["flux"].mean(axis=1, keepdims=True)
            flux = spectra(wave_aa, random, len(level)) * level
            return {**inputs, "flux": (flux + inputs["flux_error"] * random.normal(size=flux.shape)).astype(np.float32)}

        return make

    return {
        "galaxies": usual,
        "redshift wrong": lambda: made("shifted", at(0.02)),
        "redshift 1": lambda: made("far", at(1.0)),
        "flipped": flipped,
        "quasars": other(quasars),
        "stars": other(stars),
        "sky": other(sky),
        "nothing": other(lambda wave_aa, random, n: np.zeros((n, wave_aa.size))),
    }


def main() -> None:
    """Parse the command line, make, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="phangs-muse-hst", help="file, run or preset")
    parser.add_argument("--definition", default="phangs-muse-hst", help="whose recipe")
    parser.add_argument("--galaxies", type=int, default=1000, help="of each kind")
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from sfhmodel.inference import load

    model = load(options.model).model
    with tempfile.TemporaryDirectory() as folder:
        for name, make in kinds(definition(options.definition), Path(folder), options.galaxies).items():
            novelty = np.asarray(model.predict(make(), batch_size=500, verbose=0)["novelty"])
            print(f"{name:20s}{(novelty > 1.0).mean():8.3f} flagged   median novelty {np.median(novelty):.3g}")


if __name__ == "__main__":
    main()
