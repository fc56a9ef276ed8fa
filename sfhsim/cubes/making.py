"""Making a cube: spectra row by row onto the disk, then plane by plane through PSF and noise into the cube."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sfhsim import __version__
from sfhsim.cubes.fits_layout import CubeFile
from sfhsim.cubes.galaxy import GalaxyMaps, galaxy_maps
from sfhsim.cubes.images import BandImages
from sfhsim.cubes.layout import Grid
from sfhsim.cubes.model import CubeModel
from sfhsim.cubes.noise import NoiseModel, covariance_factor, noise_model
from sfhsim.cubes.observation import Observation
from sfhsim.cubes.psf import reach_pixels
from sfhsim.cubes.scratch import Scratch
from sfhsim.cubes.spaxels import SpaxelSimulator
from sfhsim.cubes.stars import draw_stars
from sfhsim.cubes.truth import TruthMaps
from sfhsim.cubes.truth_file import truth_file
from sfhsim.errors import DatasetError, RecipeError
from sfhsim.files import exists, named_errors, whole_file
from sfhsim.generation.progress import Progress
from sfhsim.libraries.ssp_library import SSPLibrary

_SPAXELS = 1024  # at a time


@dataclass(frozen=True)
class MadeCube:
    """Files that were written.

    Attributes
    ----------
    cube, truth : of the cube and of its true maps.
    images : of the bands.
    exposure_s : that the noise is of.
    """

    cube: Path
    truth: Path
    images: tuple[Path, ...]
    exposure_s: float


def make_cube(
    model: CubeModel,
    path: str | Path,
    *,
    seed: int = 0,
    truth: str | Path | None = None,
    images: str | Path | None = None,
    overwrite: bool = False,
    library: SSPLibrary | None = None,
    show_progress: bool = False,
) -> MadeCube:
    """Make a mock cube, the maps of what is true of it, and images in the recipe's bands.

    Parameters
    ----------
    model : CubeModel
    path : of the cube, .fits: DATA and STAT (10^-20 erg/s/cm2/A, squared) and DQ (0 good, 2^30 lost), as MUSE's.
    seed : of stars and noise.
    truth : of the true maps; ``NAME-truth.fits`` beside the cube when absent.
    images : folder for one image a band; none are made when absent. With them, spectra differ by rounding (1e-5).
    overwrite : whether files that exist are replaced.
    library : the recipe's when absent.
    show_progress : on the terminal.

    Raises
    ------
    RecipeError
        For a model or recipe that cannot be made, or a seed that is none.
    DatasetError
        For another ending than .fits, files that exist, or that cannot be written; nothing half-written stays.
    """
    if not (isinstance(seed, int | np.integer) and 0 <= seed < 2**63):
        raise RecipeError(f"the seed must be an integer from 0 to 2^63 - 1, not {seed!r}")
    path = Path(path)
    truth = path.with_name(f"{path.stem}-truth.fits") if truth is None else Path(truth)
    grid = Grid(model.field, reach_pixels(model.psf, model.field, model.field.wave_aa))
    maps = galaxy_maps(model.galaxy, grid)
    spaxels = SpaxelSimulator(model, maps, images is not None, library)
    bands = None if images is None else BandImages(spaxels, grid, Path(images), path.stem)
    _check_places([path, truth, *(bands.paths.values() if bands else ())], overwrite)
    stars = draw_stars(model.stars, model.field, seed)
    with named_errors(path, DatasetError), contextlib.ExitStack() as stack:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_room(path.parent, grid)
        cube_place, truth_place = (stack.enter_context(whole_file(place)) for place in (path, truth))
        scratch = stack.enter_context(Scratch(path.parent, (*grid.shape, model.field.wave_aa.size)))
        truths = TruthMaps(spaxels, maps, grid)
        at_re = _make_rows(spaxels, maps, grid, scratch, truths, bands, show_progress)
        noise = noise_model(model.noise, model.field, spaxels.lsf, at_re)
        cards = _cards(model, noise, seed)
        with CubeFile(cube_place, model.field, [*cards, ("TRUTH", truth.name[:60], "file of true maps")]) as out:
            observation = Observation(model, grid, spaxels.lsf, stars, noise, seed)
            star_share = observation.write(scratch, out, show_progress)
        with named_errors(truth, DatasetError):
            truth_file(model, truths, spaxels.distance_cm, star_share, cards).writeto(truth_place)
        written = bands.write(model, stars, seed, stack) if bands else ()
    return MadeCube(path, truth, written, noise.exposure_s)


def _make_rows(
    spaxels: SpaxelSimulator,
    maps: GalaxyMaps,
    grid: Grid,
    scratch: Scratch,
    truths: TruthMaps,
    bands: BandImages | None,
    show_progress: bool,
) -> np.ndarray:
    """Spectra of all spaxels into ``scratch``; returns the mean one at the effective radius, in the field."""
    at_re = np.zeros(grid.shape, dtype=bool)
    at_re[grid.inner] = np.abs(maps.radius_re[grid.inner] - 1.0) < 0.1
    ring, total = at_re.ravel(), np.zeros(spaxels.model.field.wave_aa.size)
    if not ring.any() and spaxels.model.noise.snr_at_re is not None:
        raise RecipeError("noise.snr_at_re: no spaxel of the field is at the effective radius: give noise.exposure_s")
    with Progress(show_progress, "spaxels") as progress:
        progress.begin(ring.size)
        for rows in _slices(ring.size, _SPAXELS):
            parameters = spaxels.parameters[rows]
            batch, scale = spaxels.batch(parameters), spaxels.scale(parameters)
            flux = batch.noise_free_spectrum * scale[:, None].astype(np.float32)
            scratch.append(flux)
            truths.add(rows, batch, flux.mean(axis=1, dtype=np.float64), parameters)
            if bands is not None:
                bands.add(rows, batch.noise_free_photometry, scale)
            total += flux[ring[rows]].sum(axis=0, dtype=np.float64)
            progress.advance(len(flux))
    return total / max(int(ring.sum()), 1)


def _cards(model: CubeModel, noise: NoiseModel, seed: int) -> list[tuple]:
    """What the primary headers of cube and truths say."""
    return [
        ("OBJECT", model.name, ""),
        ("ORIGIN", f"sfhsim {__version__}", "a simulation"),
        ("RA", model.field.ra_deg, "[deg]"),
        ("DEC", model.field.dec_deg, "[deg]"),
        ("EXPTIME", noise.exposure_s, "[s]"),
        ("REDSHIFT", model.galaxy.redshift, "of the galaxy"),
        ("RECIPE", Path(model.recipe).name[:60], ""),
        ("SEED", int(seed), "of stars and noise"),
        ("NOISE", model.noise.add, "whether DATA has noise"),
        ("COVSPAT", covariance_factor(model.noise.spatial_correlation, 2), "noise of a sum of spaxels over STAT's"),
        ("COVSPEC", covariance_factor(model.noise.spectral_correlation, 1), "the same along wavelength"),
    ]


def _slices(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _check_places(places: list[Path], overwrite: bool) -> None:
    for place in places:
        if place.suffix != ".fits":
            raise DatasetError(f"{place}: cubes and maps are written as .fits, not {place.suffix or 'without ending'}")
        if exists(place) and not overwrite:
            raise DatasetError(f"{place} exists: choose another name, or allow overwriting (--overwrite)")
    if len(set(places)) < len(places):
        raise DatasetError(f"{places[0]}: cube, truth and images need names of their own")


def _check_room(folder: Path, grid: Grid) -> None:
    field = grid.field
    needed = 4 * field.wave_aa.size * (3 * field.n_x * field.n_y + int(np.prod(grid.shape)))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{folder} has {free / 1e9:.1f} GB left, the cube takes {needed / 1e9:.1f} GB while it is made: "
            "give another place, or fewer or shorter spectra"
        )
