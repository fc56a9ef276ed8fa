"""What is in the file of maps, put together from the finished chunks, one quantity after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from sfhmodel.description import ModelDescription
from sfhmodel.mapping import checks, flags
from sfhmodel.mapping.binning import Bins
from sfhmodel.mapping.covariance import Covariance
from sfhmodel.mapping.cube import Cube
from sfhmodel.mapping.histories import OWN_COLUMNS, SHOWN, SHOWN_ERROR, SHOWN_FLUX, STAGE
from sfhmodel.mapping.kinematics import VelocityField
from sfhmodel.mapping.mass import LightPerMass
from sfhmodel.mapping.options import MapOptions
from sfhmodel.mapping.parts import Parts
from sfhmodel.mapping.quantities import (
    Masses,
    Quantity,
    age_band_quantities,
    half_interval,
    summary_quantities,
)
from sfhmodel.mapping.rest_grid import RestGrid
from sfhmodel.mapping.sky_frame import SkyFrame, cgs_per_spaxel
from sfhmodel.mapping.sums import Chunks
from sfhmodel.mapping.survey import Survey
from sfhmodel.mapping.writer import ERROR_ENDING, MapWriter, write_maps

_Add = Callable[[MapWriter], None]


@dataclass
class MapContents:
    """Writes the file of maps of a run whose chunks are finished."""

    parts: Parts
    chunks: Chunks
    bins: Bins
    survey: Survey
    velocities: VelocityField
    masked: np.ndarray
    description: ModelDescription
    grid: RestGrid
    cube: Cube
    frame: SkyFrame
    covariance: Covariance
    options: MapOptions
    model_name: str
    model_sha256: str
    has_bands: np.ndarray | None
    notes: tuple[str, ...]
    _columns: dict[str, tuple[np.ndarray, str]] = field(default_factory=dict)

    def write(self, path: Path, overwrite: bool) -> Path:
        """Write it; see `write_maps`."""
        return write_maps(path, overwrite, self.bins.map, self.frame.header(), self._cards(), self._contents())

    @property
    def n_unlike(self) -> int:
        return self._n_flagged(flags.UNLIKE_TRAINING)

    @property
    def n_not_reproduced(self) -> int | None:
        return self._n_flagged(flags.NOT_REPRODUCED) if self.options.check else None

    def _n_flagged(self, bit: int) -> int:
        return int(np.sum((self._flags_of_bins & bit) != 0))

    def _column(self, name: str) -> np.ndarray:
        return self.parts.column(STAGE, self.chunks.members, name)

    def _contents(self) -> Iterator[_Add]:
        yield self._add_light
        for quantity in self._quantities():
            yield partial(self._add_quantity, quantity=quantity)
        yield self._add_flags
        yield from self._histories()
        yield self._add_tables

    def _add_light(self, writer: MapWriter) -> None:
        """Bins, brightness and S/N: the survey's, of spaxels and of bins."""
        unit = self.cube.unit
        writer.image("BIN_ID", self.bins.map.bin_id, "", "number of the bin, from 0 on; negative = in no bin")
        flux = np.where(self.survey.with_data, self.survey.signal, np.nan).astype(np.float32)
        low, high = self.description.wave_aa[[0, -1]]
        writer.image("FLUX", flux, unit, f"mean of a spaxel, {low:.0f}-{high:.0f} A at rest")
        writer.image("SNR", self.survey.snr.astype(np.float32), "", "of a spaxel, per pixel of the cube")
        self._add_quantity(writer, quantity=Quantity("SNRBIN", "", "of a bin, per pixel of the cube", self.bins.snr))
        count = Quantity("NSPAX", "", "spaxels of a bin", self.bins.map.count.astype(np.float64))
        self._add_quantity(writer, quantity=count)

    def _add_quantity(self, writer: MapWriter, quantity: Quantity) -> None:
        writer.quantity(quantity)
        unit = "" if "dex" in quantity.unit else quantity.unit  # in tables astropy wants units of the FITS standard
        self._columns[quantity.name] = np.asarray(quantity.values, dtype=np.float32), unit
        if quantity.error is not None:
            error = np.asarray(quantity.error, dtype=np.float32)
            self._columns[quantity.name + ERROR_ENDING] = error, unit

    def _quantities(self) -> Iterator[Quantity]:
        yield from self._kinematics()
        summaries = self._column("summary_quantiles")
        yield from summary_quantities(summaries, self.description)
        cumulative = self._column("cumulative_quantiles")
        yield from age_band_quantities(cumulative, self.description)
        scale = cgs_per_spaxel(self.cube, self.frame)
        if scale is not None and self.frame.pixel_sr is not None:
            masses = Masses(
                LightPerMass.of(self.description.age_bin_edges_yr),
                self._column("flux_5500") * scale / self.bins.map.count,
                self.frame.pixel_sr,
                self.grid.redshift,
            )
            parts = self._column("mass_fraction"), self._column("metallicity")
            yield from masses.quantities(self.description, *parts, summaries, cumulative)
        novelty = self._column("novelty")
        yield Quantity("NOVELTY", "", "above 1: unlike the training spectra", novelty)
        for name in self.parts.columns(STAGE):
            if name not in OWN_COLUMNS and (values := self._column(name)).ndim == 1:
                yield Quantity(name.upper(), "", checks.COMMENTS.get(name, ""), values.astype(np.float64))

    def _kinematics(self) -> Iterator[Quantity]:
        """Means over the spaxels of a bin, weighted by light."""

        def mean(image: np.ndarray | None) -> np.ndarray | None:
            return None if image is None else self.bins.map.mean(image, self.survey.brightness)

        velocity = mean(self.velocities.velocity)
        assert velocity is not None
        comment = f"c ln(wavelength / that at redshift {self.grid.redshift:.6g})"
        yield Quantity("V", "km/s", comment, velocity, mean(self.velocities.velocity_error))
        if (sigma := mean(self.velocities.dispersion)) is not None:
            yield Quantity("SIGMA", "km/s", "dispersion of the stars", sigma, mean(self.velocities.dispersion_error))

    @cached_property
    def _flags_of_bins(self) -> np.ndarray:
        n = self.bins.map.n_bin
        kind, _, target = self.options.bins.partition(":")
        least = float(target) if kind in ("sn", "powerbin") else self.options.min_snr
        velocity = self.bins.map.mean(self.velocities.velocity, self.survey.brightness)
        outside = np.zeros(n, dtype=bool)
        known = self.description.conditions.velocity_dispersion_range_kms
        if self.velocities.dispersion is not None and known is not None:
            sigma = self.bins.map.mean(self.velocities.dispersion, self.survey.brightness)
            with np.errstate(invalid="ignore"):
                outside = (sigma < known[0]) | (sigma > known[1])
        not_reproduced = np.zeros(n, dtype=bool)
        if self.options.check:
            not_reproduced = ~(self._column(checks.MISMATCH) <= 1.0)
        return flags.flags_of_bins(
            *(self._column(name) for name in ("novelty", "at_edge", "masked_fraction", "problem")),
            low_snr=self.bins.snr < 0.99 * least,
            no_kinematics=~np.isfinite(velocity),
            sigma_outside=outside,
            no_bands=np.zeros(n, dtype=bool) if self.has_bands is None else ~self.has_bands,
            not_reproduced=not_reproduced,
        )

    def _add_flags(self, writer: MapWriter) -> None:
        image = self.bins.map.image(self._flags_of_bins, 0)
        outside = self.bins.map.bin_id < 0
        image = image | np.where(outside & ~self.survey.with_data, flags.NO_DATA, 0)
        image = image | np.where(outside & self.survey.with_data, flags.MASKED, 0)
        writer.flags(image)
        self._columns["FLAG"] = self._flags_of_bins, ""

    def _histories(self) -> Iterator[_Add]:
        """Fractions of the mass formed in age bins, what was formed by each age, and Z, with half intervals."""
        said = {
            "mass_fraction": ("SFH", "fraction of the mass formed in each age bin (AGE_BINS)"),
            "metallicity": ("METAL_AGE", "Z of the stars of each age bin (AGE_BINS)"),
        }
        for column, (name, comment) in said.items():
            yield partial(self._add_history, column=column, name=name, comment=comment)
        yield partial(
            self._add_quantiles,
            column="cumulative_quantiles",
            name="SFH_CUMULATIVE",
            comment="fraction of the mass formed from today to the old edge of each age bin",
        )
        yield partial(self._add_quantiles, column="metallicity_quantiles", name="METAL_AGE", comment="")

    def _add_history(self, writer: MapWriter, column: str, name: str, comment: str) -> None:
        writer.history(name, self._column(column), comment)

    def _add_quantiles(self, writer: MapWriter, column: str, name: str, comment: str) -> None:
        quantiles = self._column(column)
        if comment:
            writer.history(name, quantiles[..., quantiles.shape[-1] // 2], comment)
        error = half_interval(quantiles, self.description)
        writer.history(name + ERROR_ENDING, error, f"half the 68% interval of {name}")

    def _add_tables(self, writer: MapWriter) -> None:
        edges = self.description.age_bin_edges_yr
        writer.table("AGE_BINS", {"AGE_LOW": (edges[:-1], "yr"), "AGE_HIGH": (edges[1:], "yr")})
        number = np.arange(self.bins.map.n_bin, dtype=np.int32)
        place: dict[str, tuple[np.ndarray, str]] = {
            "BIN_ID": (number, ""),
            "X": (self.bins.x, "pixel"),
            "Y": (self.bins.y, "pixel"),
        }
        if self.frame.wcs is not None:
            ra, dec = self.frame.wcs.wcs_pix2world(self.bins.x, self.bins.y, 0)
            place |= {"RA": (np.asarray(ra), "deg"), "DEC": (np.asarray(dec), "deg")}
        place["FLUX"] = self.bins.flux, self.cube.unit
        writer.table("BINS", place | self._columns)
        shown, flux, error = (
            self.parts.joined(STAGE, len(self.chunks.members), name) for name in (SHOWN, SHOWN_FLUX, SHOWN_ERROR)
        )
        wave = np.broadcast_to(self.grid.wave_aa, flux.shape).astype(np.float32)
        unit = self.cube.unit
        spectra = {"BIN_ID": (shown.astype(np.int32), ""), "WAVE": (wave, "Angstrom")}
        writer.table("SPECTRA", spectra | {"FLUX": (flux, unit), "FLUX_ERROR": (error, unit)})
        if self.options.check:
            self._add_checked(writer, shown.astype(np.int32))
        writer.provenance(self._provenance())

    def _add_checked(self, writer: MapWriter, shown: np.ndarray) -> None:
        """The same spectra as the model saw them, and made again."""
        n_chunk, wave = len(self.chunks.members), self.description.wave_aa.astype(np.float32)
        columns = {"BIN_ID": (shown, ""), "WAVE": (np.tile(wave, (shown.size, 1)), "Angstrom")}
        for name, key in checks.TABLE_COLUMNS.items():
            columns[name] = self.parts.joined(STAGE, n_chunk, key), self.cube.unit
        writer.table(checks.TABLE, columns)

    def _cards(self) -> dict[str, tuple[Any, str]]:
        from sfhmodel import __version__

        return {
            "CREATOR": (f"sfhmodel {__version__}", "sfhmodel map"),
            "CUBE": (self.cube.path.name[:60], "file that was mapped"),
            "OBJECT": (str(self.cube.header.get("OBJECT", ""))[:60], ""),
            "MODEL": (self.model_name[-60:], "model"),
            "MODELSHA": (self.model_sha256[:60], "its sha256, the first 60 digits"),
            "REDSHIFT": (self.grid.redshift, "that the cube was shifted by"),
            "NBINS": (self.bins.map.n_bin, "bins"),
            "BINS": (self.options.bins[-60:], "how they were chosen"),
            "COVFACT": (self.covariance.factor, "errors of N spaxels: 1 + COVFACT log10 N times larger"),
            "COVMAX": (self.covariance.most if np.isfinite(self.covariance.most) else 0.0, "at most; 0 = no limit"),
            "PIXSCALE": (self.frame.pixel_arcsec or 0.0, "[arcsec] side of a spaxel; 0 = unknown"),
        }

    def _provenance(self) -> dict[str, Any]:
        d = self.description
        return {
            "model": self.model_name,
            "model_sha256": self.model_sha256,
            "trained_on": d.dataset_name,
            "dataset_sha256": d.dataset_sha256,
            "cube": str(self.cube.path),
            "redshift": self.grid.redshift,
            "covariance": str(self.covariance),
            "options": self.options.to_dict(),
            "quantile_levels": list(d.quantile_levels),
            "bands": list(d.band_names),
            "versions": _versions(),
            "notes": list(self.notes),
        }


def _versions() -> dict[str, str]:
    """Of what decides the numbers."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("sfhsim", "numpy", "keras", "tensorflow", "astropy", "reproject", "dust_extinction"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
