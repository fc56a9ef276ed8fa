"""The simulator: compiled once from a recipe and a library, then run on batches.

    parameters -> histories -> SSP weights -> (stars + nebular) x dust -> kinematics, pixels, bands -> noise -> labels

Everything that does not change from one galaxy to the next is done at compile time: templates are broadened and
resampled where dispersion and redshift are fixed, and reduced to a low-rank basis; line profiles and filters become
operators. A batch then is the mixing of short coefficient rows, two matrix products, and the dust.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from threadpoolctl import ThreadpoolController

from sfhsim import elementary
from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import RecipeError, SfhsimWarning
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.light import LightModel, attenuated
from sfhsim.synthesis.noise import NoiseStage
from sfhsim.synthesis.photometer import compile_photometer
from sfhsim.synthesis.populations import PopulationModel
from sfhsim.synthesis.spectrograph import compile_spectrograph
from sfhsim.synthesis.truths import Truths

DEFAULT_TOLERANCE = 5.0e-4


class Simulator:
    """Simulates galaxies of a recipe on a library; sample i depends on the recipe, the seed and i alone.

    Parameters
    ----------
    recipe : Recipe
    library : SSPLibrary
    seed : of the random numbers.
    basis_tolerance
        Largest rms relative error that reducing the templates to a low-rank basis may make in any template's pixels
        (in the columns of bands twice that), several times that of galaxies; 0 keeps the templates themselves.

    Attributes
    ----------
    notes : tuple of str
        What the user should know about this recipe on this library; each is also a SfhsimWarning.

    Raises
    ------
    CoverageError, MissingDataError, RecipeError
        Where the library does not reach, something must be installed, or the recipe asks for the impossible.
    """

    def __init__(self, recipe: Recipe, library: SSPLibrary, seed: int = 0, basis_tolerance: float = DEFAULT_TOLERANCE):
        if not (isinstance(seed, int | np.integer) and 0 <= seed < 2**63):
            raise RecipeError(f"the seed must be an integer from 0 to 2^63 - 1, not {seed!r}")
        self.recipe, self.library, self.seed = recipe, library, seed
        self.basis_tolerance = basis_tolerance
        # one thread: BLAS rounds differently with another number, and a sample's bytes must not; it is faster, too
        import scipy.linalg.cython_blas  # noqa: F401  # the BLAS of the kernels: loaded, so that it is limited, too

        self._blas = ThreadpoolController()
        with self._blas.limit(limits=1):
            self._compile(basis_tolerance)
        self.notes = tuple(self._notes())
        for note in self.notes:
            warnings.warn(note, SfhsimWarning, stacklevel=2)

    def _compile(self, basis_tolerance: float) -> None:
        recipe, library = self.recipe, self.library
        self.plan = ParameterPlan(recipe)
        self.populations = PopulationModel(recipe, library.age_yr, library.age_edges_yr, library.metallicity)
        self._log10_age_yr = elementary.log10(library.age_yr)
        self.truths = Truths(recipe, self.plan)
        self.spectrograph = compile_spectrograph(recipe, self.plan, library)
        self.photometer = compile_photometer(recipe, self.plan, library)
        self.light = LightModel(recipe, self.plan, library, self.spectrograph, self.photometer, basis_tolerance)
        self.noise = NoiseStage(recipe, self.spectrograph.wave_aa, self.photometer.pivot_wave_aa)

    @classmethod
    def from_recipe(cls, recipe: Recipe | str, seed: int = 0, basis_tolerance: float = DEFAULT_TOLERANCE) -> Simulator:
        """Compile a recipe (object, built-in name or YAML file) with the library it names."""
        from sfhsim.libraries import load_library
        from sfhsim.recipe import load_recipe

        recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        return cls(recipe, load_library(recipe.library), seed, basis_tolerance)

    def batch(self, sample_ids) -> Batch:
        """Simulate the samples with these ids (n,), integers from 0; RecipeError for others, or for none."""
        ids = np.atleast_1d(np.asarray(sample_ids))
        if ids.ndim != 1 or not ids.size or not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0:
            raise RecipeError(f"sample ids are one or more integers from 0 on, not {sample_ids!r}")
        return self.simulate(self.plan.draw(ids, self.seed))

    def stream(self, start: int = 0, batch_size: int = 256) -> Iterator[Batch]:
        """Batches of consecutive samples without end, from sample ``start`` on."""
        while True:
            yield self.batch(np.arange(start, start + batch_size, dtype=np.uint64))
            start += batch_size

    def simulate(self, draws: Draws) -> Batch:
        """Simulate galaxies with these parameters; their noise follows from their sample ids."""
        stars = self.populations.evaluate(draws)
        scale, profiles = self.flux_scale(draws), self.spectrograph.line_profiles
        with self._blas.limit(limits=1):  # see _compile
            light = self.light.evaluate(draws, stars)
            source = light.pixels if self.spectrograph.fixed else attenuated(light.pixels)
            pixels, lines = self.spectrograph.pixels(source, light.lines, draws)
            spectrum, spectrum_error, free = self.noise.spectrum(pixels, scale, lines, profiles, draws, self.seed)
        bands = self.photometer.band_flux(light.bands, light.lines, draws) * scale[:, None]
        photometry, photometry_error, free_mag = self.noise.photometry(bands, draws, self.seed)
        return Batch(
            sample_id=draws.sample_id,
            spectrum=spectrum,
            spectrum_error=spectrum_error,
            photometry=photometry,
            photometry_error=photometry_error,
            mass_fraction=stars.label_mass.astype(np.float32),
            metallicity=stars.label_metallicity.astype(np.float32),
            truth=self.truths.values(draws, stars, self._light_summaries(stars, light)),
            noise_free_spectrum=free,
            noise_free_photometry=free_mag,
            draws=draws,
            populations=stars,
        )

    def flux_scale(self, draws: Draws) -> np.ndarray:
        """(n,) from rest-frame Lsun/Angstrom per Msun formed to observed erg/s/cm2/Angstrom."""
        distance_cm = self.populations.luminosity_distance_cm(draws)
        one_plus_z = 1 + draws.values["redshift"]
        return draws.values["total_mass_msun"] * LSUN_ERG_S / (4 * np.pi * distance_cm**2 * one_plus_z)

    def _light_summaries(self, stars, light) -> dict[str, np.ndarray]:
        from sfhsim.kernels.populations import light_weighted

        out = np.empty((len(stars.mass), 2))
        weights = stars.mass, stars.metallicity, stars.lower, stars.upper_share
        light_weighted(*weights, self.light.mean_light, self._log10_age_yr, out)
        return {
            "mean_log10_age_yr_light": out[:, 0],
            "mean_metallicity_light": out[:, 1],
            "a_v_mag": light.a_v_mag,
        }

    # -- what it is, for manifests and people ------------------------------------------------------------------------

    def feature_lengths(self) -> dict[str, int]:
        """Number of values of each array of a record."""
        from sfhsim.records.schema import FEATURES

        sizes = {name: len(entries) for name, entries in self._dimension_sizes().items()}
        return {feature.name: sizes[feature.dimension] for feature in FEATURES}

    def _dimension_sizes(self) -> dict[str, range]:
        return {
            "pixel": range(self.spectrograph.wave_aa.size),
            "band": range(len(self.photometer.filters)),
            "age_bin": range(self.populations.label_edges_yr.size - 1),
            "truth": range(len(self.truths.entries)),
        }

    def dimensions(self) -> dict:
        """Grid, bands, bins and names of truths, as plain data for a manifest."""
        wave = self.spectrograph.wave_aa
        return {
            "pixel": {
                "unit": "Angstrom, observed frame, air, pixel centres",
                "n": wave.size,
                "start_aa": float(wave[0]),
                "step_aa": float(self.recipe.spectrum.step_aa),
                "wave_aa": wave.tolist(),
            },
            "age_bin": {
                "unit": "yr of lookback time",
                "edges_yr": self.populations.label_edges_yr.tolist(),
            },
            "band": self.photometer.describe(),
            "truth": self.truths.entries,
            "history_family": [h.family for h in self.recipe.histories],
        }

    def fingerprint(self) -> str:
        """sha256 of all that decides a record but seed and id.

        The contents of files count, not where they are: a moved recipe is the same, an edited table is not.
        """
        import hashlib
        import json

        import sfhsim
        from sfhsim.recipe import recipe_to_dict
        from sfhsim.records.schema import SCHEMA_VERSION

        recipe = recipe_to_dict(self.recipe)
        for name in ("name", "description", "library"):
            del recipe[name]
        photometry = recipe["photometry"]
        bands = [{k: v for k, v in band.items() if k not in ("name", "source")} for band in self.photometer.describe()]
        if isinstance(self.recipe.photometry.error_mag, dict):
            photometry["error_mag"] = [photometry["error_mag"][name] for name in photometry["filters"]]
        del photometry["filters"], recipe["spectrum"]["lsf"]["path"]
        content = {
            "recipe": recipe,
            "library": self.library.checksum,
            "bands": bands,
            "lsf_fwhm_aa": np.round(self.spectrograph.lsf.fwhm_aa(self.spectrograph.wave_aa), 9).tolist(),
            "nebular": None if self.light.nebular is None else self.light.nebular.checksum(),
            "basis_tolerance": self.basis_tolerance,
            "schema": SCHEMA_VERSION,
            "version": sfhsim.__version__,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def describe(self) -> str:
        """A few lines on what was compiled."""
        wave = self.spectrograph.wave_aa
        n_z, n_age, _ = self.library.shape
        bands = ", ".join(f.name for f in self.photometer.filters) or "none"
        lines = [
            f"recipe {self.recipe.name}: {self.recipe.description}",
            (
                f"  library     {self.library.name}: {n_z} metallicities x {n_age} ages, bases of "
                f"{len(self.light.old.pixels)} old and {len(self.light.young.pixels)} young "
                f"(worst template {max(self.light.old.error, self.light.young.error):.1e} rms)"
            ),
            f"  spectrum    {wave.size} pixels, {wave[0]:g}-{wave[-1]:g} A, "
            + ("compiled kinematics" if self.spectrograph.fixed else "kinematics drawn per galaxy"),
            f"  photometry  {bands}",
            f"  nebular     {self.recipe.nebular.model}",
            f"  parameters  {', '.join(self.plan.names)}",
        ]
        return "\n".join(lines + [f"  note        {note}" for note in self.notes])

    def _notes(self) -> Iterator[str]:
        yield from self.spectrograph.notes
        ranges = [self.spectrograph.rest_range_aa, *self.photometer.rest_ranges_aa]
        empty = {name: None for low, high in ranges for name in self.library.templates_without_data(low, high)}
        if empty:
            names = list(empty)
            shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
            low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
            yield (
                f"{len(names)} templates of {self.library.name} hold no data in a part of {low:.0f}-{high:.0f} A that "
                f"this recipe uses, and count as zero there: {shown}"
            )
        low_z, high_z = self._metallicity_range()
        if low_z < self.library.metallicity[0] * (1 - 1e-9) or high_z > self.library.metallicity[-1] * (1 + 1e-9):
            yield (
                f"the recipe's metallicities span {low_z:.3g} to {high_z:.3g}, those of {self.library.name} "
                f"{self.library.metallicity[0]:.3g} to {self.library.metallicity[-1]:.3g}: stars outside take the "
                "nearest; the truth n_clipped_metallicity counts their age bins"
            )
        if self.library.age_yr[0] > self.recipe.dust.birth_cloud_age_myr * 1e6:
            yield (
                f"the youngest stars of {self.library.name} are {self.library.age_yr[0] / 1e6:.3g} Myr old, older than "
                f"the birth clouds ({self.recipe.dust.birth_cloud_age_myr:g} Myr): the clouds attenuate those"
            )

    def _metallicity_range(self) -> tuple[float, float]:
        """Smallest and largest Z that the recipe can give to stars."""
        metallicity = self.recipe.metallicity
        if metallicity.table is not None:
            return min(metallicity.table.value), max(metallicity.table.value)
        start = metallicity.z_final if metallicity.form == "constant" else metallicity.z_start
        return start.bounds()[0], metallicity.z_final.bounds()[1]
