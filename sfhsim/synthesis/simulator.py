"""The simulator: compiled once from a recipe and a library, then run on batches.

    parameters -> histories -> SSP weights -> (stars + nebular) x dust -> kinematics, pixels, bands -> noise -> labels

Everything that does not change from one galaxy to the next is done at compile time: templates are broadened and
resampled where dispersion and redshift are fixed, and reduced to a low-rank basis; line profiles and filters become
operators. A batch then is the mixing of short coefficient rows, two matrix products, and the dust.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np

from sfhsim import elementary
from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import DatasetError, LibraryError, RecipeError, SfhsimWarning
from sfhsim.instrument import load_filter
from sfhsim.libraries.ssp_library import SSPLibrary
from sfhsim.recipe.model import Recipe
from sfhsim.recipe.worlds import Mixture
from sfhsim.sources import active_sources
from sfhsim.synthesis.batch import Batch
from sfhsim.synthesis.compiled_recipe import CompiledRecipe
from sfhsim.synthesis.coverage_notes import notes_on
from sfhsim.synthesis.draws import Draws, ParameterPlan
from sfhsim.synthesis.fingerprint import simulator_fingerprint
from sfhsim.synthesis.light import LightModel
from sfhsim.synthesis.noise import NoiseStage
from sfhsim.synthesis.origin import LIBRARY_FACTS, check_origin, describe_library, origin
from sfhsim.synthesis.photometer import make_photometer
from sfhsim.synthesis.populations import PopulationModel
from sfhsim.synthesis.sample_ids import checked_ids
from sfhsim.synthesis.serialization import from_plain, to_plain
from sfhsim.synthesis.soundness import check_axes, check_sound
from sfhsim.synthesis.spectrograph import make_spectrograph
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
        self._begin(recipe, seed, basis_tolerance)
        self._library, self._fingerprint = library, None
        self.library_description = describe_library(library)
        self.populations = PopulationModel(recipe, library.age_yr, library.age_edges_yr, library.metallicity)
        self.spectrograph = make_spectrograph(recipe, self.plan)
        self.spectrograph.compile(library)
        filters = [load_filter(name) for name in recipe.photometry.filters]
        self.photometer = make_photometer(recipe, self.plan, filters)
        self.photometer.compile(library)
        self.light = LightModel(recipe, self.spectrograph, self.photometer)
        self.light.compile(self.plan, library, basis_tolerance)
        self.notes = tuple(notes_on(self, library))
        self._finish()

    @classmethod
    def from_recipe(cls, recipe: Recipe | str, seed: int = 0, basis_tolerance: float = DEFAULT_TOLERANCE) -> Simulator:
        """The simulator of a recipe (object, built-in name or YAML file) on the library that it names.

        It is compiled once and kept in the user's cache folder. Of a mixture, it is a
        `sfhsim.synthesis.mixture.MixtureSimulator`.

        Raises
        ------
        LibraryError
            When the library's content is not that of its checksum.
        """
        from sfhsim.libraries import load_library
        from sfhsim.libraries.integrity import checked_checksum
        from sfhsim.recipe import load_recipe
        from sfhsim.synthesis.cache import cached, keep

        recipe = recipe if isinstance(recipe, Recipe | Mixture) else load_recipe(recipe)
        if isinstance(recipe, Mixture):
            from sfhsim.synthesis.mixture import MixtureSimulator

            return MixtureSimulator.from_recipe(recipe, seed, basis_tolerance)  # type: ignore[return-value]
        fingerprint = simulator_fingerprint(recipe, checked_checksum(recipe.library), basis_tolerance)
        compiled = cached(fingerprint)
        if compiled is not None:
            with contextlib.suppress(DatasetError):
                return cls.from_compiled(compiled, seed, recipe)
        simulator = cls(recipe, load_library(recipe.library), seed, basis_tolerance)
        keep(fingerprint, simulator.compiled())
        return simulator

    @classmethod
    def from_compiled(cls, compiled: CompiledRecipe, seed: int = 0, recipe: Recipe | None = None) -> Simulator:
        """The simulator that `compiled` described; no library is needed.

        Parameters
        ----------
        compiled : CompiledRecipe
        seed : of the random numbers.
        recipe : under what name and description; that of ``compiled`` when absent.

        Raises
        ------
        DatasetError
            When it was compiled by another version of sfhsim, for families whose code is another here, or what it
            holds is not a compiled recipe.
        """
        from sfhsim.recipe import recipe_from_dict

        document = compiled.document
        _check_seed(seed)
        check_origin(document)
        try:
            recipe = recipe_from_dict(document["recipe"]) if recipe is None else recipe
            stages = from_plain(document["stages"], compiled.arrays)
            simulator = cls.__new__(cls)
            simulator._restore(recipe, seed, document, stages)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
            raise DatasetError(f"what was compiled cannot be read ({type(error).__name__}: {error})") from error
        return simulator

    def _restore(self, recipe: Recipe, seed: int, document: dict, stages: dict) -> None:
        self._begin(recipe, seed, float(document["basis_tolerance"]))
        self._library, self._fingerprint = None, str(document["fingerprint"])
        self.library_description = {name: str(document["library"][name]) for name in LIBRARY_FACTS}
        check_axes(**stages["populations"])
        self.populations = PopulationModel(recipe, **stages["populations"])
        self.spectrograph = make_spectrograph(recipe, self.plan)
        self.spectrograph.restore(stages["spectrograph"])
        self.photometer = make_photometer(recipe, self.plan, stages["filters"])
        self.photometer.restore(stages["photometer"])
        self.light = LightModel(recipe, self.spectrograph, self.photometer)
        self.light.restore(stages["light"])
        check_sound(self)
        self.notes = tuple(map(str, document["notes"]))
        self._finish()

    def _begin(self, recipe: Recipe, seed: int, basis_tolerance: float) -> None:
        _check_seed(seed)
        if isinstance(recipe, Mixture):
            raise RecipeError(
                f"{recipe.name} is a mixture of worlds: use make_simulator, or a MixtureSimulator of theirs"
            )
        self.recipe, self.seed, self.basis_tolerance = recipe, seed, basis_tolerance
        self.plan = ParameterPlan(recipe)
        self.truths = Truths(recipe, self.plan)

    def _finish(self) -> None:
        self._log10_age_yr = elementary.log10(self.populations.age_yr)
        self.noise = NoiseStage(self.recipe, self.spectrograph.wave_aa, self.photometer.pivot_wave_aa)
        for note in self.notes:
            warnings.warn(note, SfhsimWarning, stacklevel=3)

    @property
    def library(self) -> SSPLibrary:
        """The library it was compiled on; loaded when it is first asked for."""
        if self._library is None:
            from sfhsim.libraries import load_library

            library = load_library(self.recipe.library)
            if library.checksum != self.library_description["checksum"]:
                raise LibraryError(
                    f"the library {self.recipe.library!r} is another than the simulator was compiled on (sha256 "
                    f"{library.checksum[:12]} instead of {self.library_description['checksum'][:12]}): install that one"
                )
            self._library = library
        return self._library

    def compiled(self) -> CompiledRecipe:
        """Everything that was compiled, as plain data for a file (`sfhsim.synthesis.compiled_recipe`)."""
        from sfhsim.recipe import recipe_to_dict

        stages = {
            "populations": self.populations.axes(),
            "spectrograph": self.spectrograph.state(),
            "filters": self.photometer.filters,
            "photometer": self.photometer.state(),
            "light": self.light.state(),
        }
        arrays: dict[str, np.ndarray] = {}
        document = {
            **origin(self.recipe),
            "fingerprint": self.fingerprint(),
            "recipe": recipe_to_dict(self.recipe),
            "basis_tolerance": self.basis_tolerance,
            "library": self.library_description,
            "notes": list(self.notes),
            "stages": to_plain(stages, arrays, "stages"),
        }
        return CompiledRecipe(document, arrays).sealed()

    def batch(self, sample_ids) -> Batch:
        """Simulate the samples with these ids (n,), integers from 0; RecipeError for others, or for none."""
        return self.simulate(self.plan.draw(checked_ids(sample_ids), self.seed))

    def stream(self, start: int = 0, batch_size: int = 256) -> Iterator[Batch]:
        """Batches of consecutive samples without end, from sample ``start`` on."""
        while True:
            yield self.batch(np.arange(start, start + batch_size, dtype=np.uint64))
            start += batch_size

    def simulate(self, draws: Draws) -> Batch:
        """Simulate galaxies with these parameters; their noise follows from their sample ids."""
        stars = self.populations.evaluate(draws)
        scale, profiles = self.flux_scale(draws), self.spectrograph.line_profiles
        light = self.light.evaluate(draws, stars)
        source, lines = self.spectrograph.observe(self.light.reading(light, self.spectrograph), draws)
        spectrum, spectrum_error, free = self.noise.spectrum(source, scale, lines, profiles, draws, self.seed)
        bands = self.photometer.observe(self.light.reading(light, self.photometer), draws) * scale[:, None]
        photometry, photometry_error, free_mag = self.noise.photometry(bands, draws, self.seed)
        return Batch(
            sample_id=draws.sample_id,
            spectrum=spectrum,
            spectrum_error=spectrum_error,
            photometry=photometry,
            photometry_error=photometry_error,
            mass_fraction=stars.label_mass.astype(np.float32),
            metallicity=stars.label_metallicity.astype(np.float32),
            truth=self.truths.values(draws, stars, self._light_summaries(draws, stars, light)),
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

    def _light_summaries(self, draws, stars, light) -> dict[str, np.ndarray]:
        from sfhsim.kernels.populations import light_weighted

        out = np.empty((len(stars.mass), 2))
        weights = stars.mass, stars.metallicity, stars.lower, stars.upper_share
        light_weighted(*weights, self.light.mean_light, self._log10_age_yr, out)
        summaries = {
            "mean_log10_age_yr_light": out[:, 0],
            "mean_metallicity_light": out[:, 1],
            "a_v_mag": light.a_v_mag,
        }
        if light.energy is not None:
            summaries["absorbed_lsun"] = light.energy.absorbed_birth_lsun + light.energy.absorbed_screen_lsun
        return summaries | self.light.measured(light, draws)

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
        """One digest of all that decides a record but seed and id: `sfhsim.synthesis.fingerprint`."""
        if self._fingerprint is None:
            checksum = self.library_description["checksum"]
            self._fingerprint = simulator_fingerprint(self.recipe, checksum, self.basis_tolerance)
        return self._fingerprint

    def describe(self) -> str:
        """A few lines on what was compiled."""
        wave = self.spectrograph.wave_aa
        n_z, n_age = self.populations.library_metallicity.size, self.populations.age_yr.size
        bands = ", ".join(f.name for f in self.photometer.filters) or "none"
        old, young = self.light.old.templates, self.light.young.templates
        others = [active.source.name for active in active_sources(self.recipe)]
        lines = [
            f"recipe {self.recipe.name}: {self.recipe.description}",
            (
                f"  library     {self.library_description['name']}: {n_z} metallicities x {n_age} ages, bases of "
                f"{len(old.vectors['pixels'])} old and {len(young.vectors['pixels'])} young "
                f"(worst template {max(old.error, young.error):.1e} rms)"
            ),
            f"  spectrum    {wave.size} pixels, {wave[0]:g}-{wave[-1]:g} A, "
            + ("compiled kinematics" if self.spectrograph.fixed else "kinematics drawn per galaxy"),
            f"  photometry  {bands}",
            f"  nebular     {self.recipe.nebular.model}",
            *([f"  sources     {', '.join(others)}"] if others else []),
            f"  parameters  {', '.join(self.plan.names)}",
        ]
        return "\n".join(lines + [f"  note        {note}" for note in self.notes])


def _check_seed(seed) -> None:
    if not (isinstance(seed, int | np.integer) and 0 <= seed < 2**63):
        raise RecipeError(f"the seed must be an integer from 0 to 2^63 - 1, not {seed!r}")
