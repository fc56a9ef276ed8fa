"""One cube on its way to maps: survey, bins, velocities, spectra at rest, model, FITS. Every step can be resumed."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sfhmodel.checking.templates import templates_of
from sfhmodel.errors import InputError
from sfhmodel.mapping.binning import BinMap, Bins, bins_of
from sfhmodel.mapping.binning.given import snr_map_of_file
from sfhmodel.mapping.contents import MapContents
from sfhmodel.mapping.covariance import Covariance
from sfhmodel.mapping.cube import Cube
from sfhmodel.mapping.extinction import correction
from sfhmodel.mapping.histories import NOTES, STAGE, BinHook, Histories
from sfhmodel.mapping.kinematics import VelocityField, velocity_field_of_file
from sfhmodel.mapping.kinematics.auto import STAGE as KINEMATICS
from sfhmodel.mapping.kinematics.auto import AutoKinematics, filled_from_nearest
from sfhmodel.mapping.masks import image_of_file, masked_spaxels
from sfhmodel.mapping.opened_model import OpenedModel
from sfhmodel.mapping.options import MapOptions, is_number
from sfhmodel.mapping.outcome import MapOutcome
from sfhmodel.mapping.parts import Parts, chunk_name
from sfhmodel.mapping.photometry import magnitudes_of_bins
from sfhmodel.mapping.pictures import plot_maps
from sfhmodel.mapping.plan import plan_of
from sfhmodel.mapping.progress import Progress
from sfhmodel.mapping.reddening import reddening_of_bins
from sfhmodel.mapping.resolution import fwhm_on_grid
from sfhmodel.mapping.rest_grid import rest_grid, stretch_of
from sfhmodel.mapping.sky_frame import SkyFrame
from sfhmodel.mapping.stages import Engine, Made, Stage
from sfhmodel.mapping.sums import Chunks, SpectraOfBins
from sfhmodel.mapping.survey import Survey, survey
from sfhmodel.spectra import PreparationSettings, ReadOptions
from sfhmodel.spectra.frame import TrainingFrame

_SHIFT_OF_BANDS = 0.01  # redshift from which on magnitudes differ visibly from those at rest

log = logging.getLogger("sfhmodel.mapping")


@dataclass
class Work:
    """One cube on its way to maps."""

    model: OpenedModel
    cube: Cube
    out: Path
    options: MapOptions
    reading: ReadOptions
    hooks: tuple[BinHook, ...]
    progress: Progress
    engine: Engine

    def run(self, overwrite: bool, plots: Path | None) -> MapOutcome:
        """Make the maps."""
        began = time.monotonic()
        self.prepare()
        log.info("%s: %s", self.cube.path, self.covariance)
        if self.options.covariance is None and self.covariance.factor > 0.0:
            self.cube.notes.append(f"{self.covariance}: --covariance")
        self.plan = plan_of(
            self.cube.path, self.model.sha256, self.options, self.reading, self.hooks, self.checked_with
        )
        with Parts(self.out, self.plan) as parts:
            if parts.is_resumed:
                log.info("%s: going on with what an interrupted run has done", self.cube.path)
            outcome = self._maps(parts, overwrite, plots)
            parts.remove()
        log.info("%s: %d bins in %.0f s", self.cube.path, outcome.n_bin, time.monotonic() - began)
        return outcome

    def prepare(self) -> None:
        """Open the model, and settle what follows from it, the cube's headers and the options."""
        redshift = self.cube.redshift
        if redshift is None:
            raise InputError(f"{self.cube.path}: no redshift in it: give it (--redshift; 0 of a cube at rest)")
        settings = PreparationSettings(mask_sky=False, min_coverage=self.options.min_coverage)
        self.predictor = self.model.predictor(settings)
        self.description = self.predictor.description
        # what cannot be checked is said at once
        self.checked_with = templates_of(self.description)[0].library if self.options.check else ""
        self.grid = rest_grid(self.cube, self.description, redshift)
        self.frame = SkyFrame.of(self.cube)
        if self.options.position_angle_deg is not None and self.frame.wcs is None:
            raise InputError(f"{self.cube.path}: no celestial coordinates in it, from which a position angle counts")
        sky = PreparationSettings(mask_sky=self.options.mask_sky)
        self.mask_sky = sky.masks_sky(redshift)
        self.covariance = Covariance.of(self.cube, self.options.covariance)
        self.rows = self.cube.rows_per_block(self.grid.window, self.options.memory_mb * 2**20)

    def stage(self, parts: Parts, name: str) -> Stage:
        """A stage of a run whose earlier ones are done, as a worker needs it."""
        seen = self._survey(parts)
        bins = self._bins(parts, seen, np.zeros(self.cube.shape, dtype=bool))
        if name == KINEMATICS:
            return self._auto().stage(parts, seen, bins)
        return self._history_stage(parts, seen, bins, self._velocities(parts, seen, bins))

    def _maps(self, parts: Parts, overwrite: bool, plots: Path | None) -> MapOutcome:
        seen = self._survey(parts)
        masked = np.zeros(self.cube.shape, dtype=bool)
        if self.options.mask is not None:
            masked = masked_spaxels(Path(self.options.mask).expanduser(), self.cube.shape)
        bins = self._bins(parts, seen, masked)
        field = self._velocities(parts, seen, bins)
        stage = self._history_stage(parts, seen, bins, field)
        self._make(parts, stage)
        chunks = stage.chunks
        said = parts.texts(STAGE, len(chunks.members), NOTES)
        notes = tuple(dict.fromkeys([*self.cube.notes, *said]))
        contents = MapContents(
            parts=parts,
            chunks=chunks,
            bins=bins,
            survey=seen,
            velocities=field,
            masked=masked,
            description=self.description,
            grid=self.grid,
            cube=self.cube,
            frame=self.frame,
            covariance=self.covariance,
            options=self.options,
            model_name=self.model.name,
            model_sha256=self.model.sha256,
            has_bands=self._has_bands(parts),
            notes=notes,
        )
        contents.write(self.out, overwrite)
        pictures = () if plots is None else tuple(plot_maps(self.out, plots))
        return MapOutcome(
            cube=self.cube.path,
            maps=self.out,
            n_bin=bins.map.n_bin,
            n_spaxel=int(bins.map.count.sum()),
            n_unlike=contents.n_unlike,
            n_not_reproduced=contents.n_not_reproduced,
            pictures=pictures,
            notes=notes,
        )

    def _survey(self, parts: Parts) -> Survey:
        def look() -> dict[str, np.ndarray]:
            with self.progress.stage("looking at the cube", self.cube.shape[0], "rows") as advance:
                found = survey(
                    self.cube, self.grid, self.reading, rows=self.rows, mask_sky=self.mask_sky, on_progress=advance
                )
            return vars(found) | {"notes": np.array(self.cube.notes, dtype=str)}

        stored = parts.once("survey", look)
        for note in stored.pop("notes").tolist():
            self.cube.notes.append(note)
        seen = Survey(**stored)
        if self.options.snr is not None:
            seen = seen.with_snr(snr_map_of_file(Path(self.options.snr).expanduser(), self.cube.shape))
            if not seen.with_data.any():
                raise InputError(f"{self.options.snr}: no spaxel with data has a S/N there")
        return seen

    def _bins(self, parts: Parts, seen: Survey, masked: np.ndarray) -> Bins:
        def choose() -> dict[str, np.ndarray]:
            found = bins_of(self.options.bins, seen, seen.with_data & ~masked, self.options.min_snr, self.covariance)
            return {"bin_id": found.map.bin_id}

        bins = Bins.of(BinMap(parts.once("bins", choose)["bin_id"]), seen, self.covariance)
        if bins.map.n_bin == 0:
            raise InputError(f"{self.cube.path}: no bin has data: the mask or the map of bins leaves nothing")
        log.info("%s: %d bins of %d spaxels", self.cube.path, bins.map.n_bin, bins.map.count.sum())
        return bins

    def _velocities(self, parts: Parts, seen: Survey, bins: Bins) -> VelocityField:
        if is_number(self.options.velocity):
            return VelocityField.constant(float(self.options.velocity), self.cube.shape)
        dispersion = None if self.options.dispersion is None else Path(self.options.dispersion).expanduser()
        if self.options.velocity == "auto":
            return self._found_velocities(parts, seen, bins)
        path = Path(self.options.velocity).expanduser()
        return velocity_field_of_file(path, self.cube.shape, self.grid.redshift, dispersion, self.cube.notes)

    def _found_velocities(self, parts: Parts, seen: Survey, bins: Bins) -> VelocityField:
        find = self._auto()
        stage = find.stage(parts, seen, bins)
        self._make(parts, stage)
        found = find.field(parts, stage)
        if self.options.dispersion is None:
            return found
        path = Path(self.options.dispersion).expanduser()
        image = image_of_file(path, self.cube.shape, "the dispersions", ("SIGMA", "SIGMA_STARS", "DISPERSION"))
        return replace(found, dispersion=image, dispersion_error=None)

    def _auto(self) -> AutoKinematics:
        fwhm_aa = fwhm_on_grid(self.cube, self.grid, self.options)
        training = TrainingFrame.of(self.description)
        if fwhm_aa is None and training.lsf is not None:
            observed_aa = self.grid.observed_wave_aa
            fwhm_aa = training.lsf_fwhm_aa(observed_aa) * self.grid.wave_aa / observed_aa
        return AutoKinematics(
            cube=self.cube,
            grid=self.grid,
            fwhm_aa=fwhm_aa,
            covariance=self.covariance,
            rows=self.rows,
            mask_sky=self.mask_sky,
        )

    def _histories(self, parts: Parts, bins: Bins, seen: Survey) -> Histories:
        redden = reddening_of_bins(self.options.ebv, bins.map, seen)
        observed_aa = self.grid.observed_wave_aa
        factor = None
        if redden is not None:
            curve = self.options.extinction_curve

            def factor(members: np.ndarray) -> np.ndarray:
                return correction(curve, observed_aa, redden[members])

        photometry: dict[str, np.ndarray] = {}
        if self.options.images:
            named = self.options, self.description, bins.map, seen, self.frame, redden
            photometry = parts.once("magnitudes", lambda: vars(magnitudes_of_bins(*named)))
            if self.grid.frame_redshift == 0.0 and self.grid.redshift > _SHIFT_OF_BANDS:
                self.cube.notes.append(
                    "magnitudes are used as measured, and the model knows galaxies at rest only: K-correct the images"
                )
        return Histories(
            self.predictor,
            self.grid.redshift,
            self.grid.frame_redshift,
            factor,
            fwhm_aa=fwhm_on_grid(self.cube, self.grid, self.options),
            magnitudes=photometry.get("magnitudes"),
            magnitude_errors=photometry.get("errors"),
            hooks=self.hooks,
            shown=bins.shown(),
            check=self.options.check,
        )

    def _has_bands(self, parts: Parts) -> np.ndarray | None:
        """(n_bin,) bool, whether any band was measured; None without images."""
        photometry = parts.read("magnitudes") if self.options.images else None
        return None if photometry is None else np.isfinite(photometry["magnitudes"]).any(axis=1)

    def _history_stage(self, parts: Parts, seen: Survey, bins: Bins, field: VelocityField) -> Stage:
        chunks = Chunks.of(bins.map, self.options.chunk_size)
        histories = self._histories(parts, bins, seen)
        if len(chunks.members) > 1:
            histories.size = self.options.chunk_size
        spectra = SpectraOfBins(
            cube=self.cube,
            grid=self.grid,
            bin_map=bins.map,
            chunks=chunks,
            stretch=stretch_of(filled_from_nearest(field.velocity)),
            brightness=seen.brightness,
            covariance=self.covariance(bins.map.count),
            rows=self.rows,
            mask_sky=self.mask_sky,
        )
        at_once, per_chunk = chunks.most_at_once, 12e-6 * self.options.chunk_size * self.grid.wave_aa.size
        log.info("%s: at most %d chunks of bins at once, %.0f MB", self.cube.path, at_once, at_once * per_chunk)

        def make(done: set[int]) -> Made:
            for number, some in spectra(done):
                yield number, histories(some)

        return Stage(STAGE, "histories", chunks, make)

    def _make(self, parts: Parts, stage: Stage) -> None:
        """Have the engine make what is not kept of a stage yet, and keep it."""
        members = stage.chunks.members
        done = parts.done(stage.name, len(members))
        with self.progress.stage(stage.title, sum(map(len, members)), "bins") as advance:
            advance(sum(members[k].size for k in done))
            if len(done) == len(members):
                return
            for number, columns in self.engine.run(stage, done, self):
                parts.write(chunk_name(stage.name, number), columns)
                advance(members[number].size)
