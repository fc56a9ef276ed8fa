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

from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import SfhsimWarning
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.light import LightModel
from sfhsim.synthesis.noise import NoiseStage
from sfhsim.synthesis.photometer import compile_photometer
from sfhsim.synthesis.populations import PopulationModel
from sfhsim.synthesis.spectrograph import compile_spectrograph
from sfhsim.synthesis.truths import Truths

DEFAULT_TOLERANCE = 2.0e-4


class Simulator:
    """Simulates galaxies of a recipe on a library; sample i depends on the recipe, the seed and i alone.

    Parameters
    ----------
    recipe : Recipe
    library : SSPLibrary
    seed : of the random numbers.
    basis_tolerance
        Largest rms relative error that reducing the templates to a low-rank basis may make in any template;
        0 keeps the templates themselves.

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
        self.recipe, self.library, self.seed = recipe, library, seed
        self.basis_tolerance = basis_tolerance
        self.plan = ParameterPlan(recipe)
        self.populations = PopulationModel(recipe, library.age_yr, library.age_edges_yr, library.metallicity)
        self.truths = Truths(recipe, self.plan)
        self.spectrograph = compile_spectrograph(recipe, self.plan, library)
        self.photometer = compile_photometer(recipe, self.plan, library)
        self.light = LightModel(recipe, self.plan, library, self.spectrograph, self.photometer, basis_tolerance)
        if self.light.nebular is not None:
            for instrument in (self.spectrograph, self.photometer):
                instrument.set_lines(self.light.nebular.line_wave_aa)
        self.noise = NoiseStage(recipe, self.spectrograph.wave_aa, self.photometer.pivot_wave_aa)
        self.notes = tuple(self._notes())
        for note in self.notes:
            warnings.warn(note, SfhsimWarning, stacklevel=2)

    @classmethod
    def from_recipe(cls, recipe: Recipe | str, seed: int = 0, basis_tolerance: float = DEFAULT_TOLERANCE) -> Simulator:
        """Compile a recipe (object, built-in name or YAML file) with the library it names."""
        from sfhsim.libraries import load_library
        from sfhsim.recipe import load_recipe

        recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        return cls(recipe, load_library(recipe.library), seed, basis_tolerance)

    def batch(self, sample_ids) -> Batch:
        """Simulate the samples with these ids (n,)."""
        return self.simulate(self.plan.draw(np.atleast_1d(np.asarray(sample_ids)), self.seed))

    def stream(self, start: int = 0, batch_size: int = 256) -> Iterator[Batch]:
        """Batches of consecutive samples without end, from sample ``start`` on."""
        while True:
            yield self.batch(np.arange(start, start + batch_size, dtype=np.uint64))
            start += batch_size

    def simulate(self, draws: Draws) -> Batch:
        """Simulate galaxies with these parameters; their noise follows from their sample ids."""
        stars = self.populations.evaluate(draws)
        light = self.light.evaluate(draws, stars)
        scale = self.flux_scale(draws)[:, None]
        free = (self.spectrograph.pixels(light.pixels, light.lines, draws) * scale).astype(np.float32)
        bands = self.photometer.band_flux(light.bands, light.lines, draws) * scale
        spectrum, spectrum_error = self.noise.spectrum(free, draws, self.seed)
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
        mean_light = self.light.mean_light()
        ages = np.arange(self.library.age_yr.size)
        below = mean_light[stars.lower, ages]
        above = mean_light[np.minimum(stars.lower + 1, len(mean_light) - 1), ages]
        weight = stars.mass * (below + stars.upper_share * (above - below))
        total = weight.sum(axis=1)
        return {
            "mean_log10_age_yr_light": np.einsum("na,a->n", weight, np.log10(self.library.age_yr)) / total,
            "mean_metallicity_light": np.einsum("na,na->n", weight, stars.metallicity) / total,
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
        """sha256 of all that decides a record but seed and id: recipe, library, filters, basis, schema, version."""
        import hashlib
        import json

        import sfhsim
        from sfhsim.recipe import recipe_fingerprint
        from sfhsim.records.schema import SCHEMA_VERSION

        content = {
            "recipe": recipe_fingerprint(self.recipe),
            "library": self.library.checksum,
            "bands": self.photometer.describe(),
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
                f"  library     {self.library.name}: {n_z} metallicities x {n_age} ages, basis of {self.light.rank} "
                f"(worst template {self.light.basis_error:.1e} rms)"
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
        low, high = self.spectrograph.rest_range_aa
        for band_low, band_high in [(low, high), *self.photometer.rest_ranges_aa]:
            empty = self.library.templates_without_data(band_low, band_high)
            if empty:
                shown = ", ".join(empty[:4]) + (f" and {len(empty) - 4} more" if len(empty) > 4 else "")
                yield (
                    f"{len(empty)} templates of {self.library.name} hold no data in part of "
                    f"{band_low:.0f}-{band_high:.0f} A and count as zero there: {shown}"
                )
        if self.library.age_yr[0] > self.recipe.dust.birth_cloud_age_myr * 1e6:
            yield (
                f"the youngest stars of {self.library.name} are {self.library.age_yr[0] / 1e6:.3g} Myr old, older than "
                f"the birth clouds ({self.recipe.dust.birth_cloud_age_myr:g} Myr): the clouds attenuate those"
            )
