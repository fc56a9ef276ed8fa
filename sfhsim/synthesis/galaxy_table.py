"""One galaxy as a table: its observed spectrum, component by component, with parameters and magnitudes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.errors import DatasetError
from sfhsim.files import exists, named_errors, whole_file
from sfhsim.sources import active_sources

COMPONENTS = ("total", "stars", "young", "nebular_continuum", "lines", "dust_free")


def galaxy_table(simulator, sample_id: int):
    """An astropy table of one sample's observed spectrum (erg/s/cm2/Angstrom) and components.

    Columns: wavelength, flux and flux_error (with noise), and the noise-free components of
    `sfhsim.synthesis.galaxy.Galaxy.observe`, the recipe's other sources last. Metadata: recipe (and world, of a
    mixture), sample, truths, magnitudes, energy balance in Lsun.
    """
    from astropy import units
    from astropy.table import Table

    from sfhsim.synthesis.any_simulator import of_sample
    from sfhsim.synthesis.galaxy import synthesize_galaxy

    simulator, name = of_sample(simulator, sample_id)
    batch = simulator.batch([sample_id])
    galaxy = synthesize_galaxy(simulator.recipe, library=simulator.library, draws=batch.draws)
    scale = float(simulator.flux_scale(batch.draws)[0] / batch.draws.values["total_mass_msun"][0])
    flux_unit = units.erg / (units.s * units.cm**2 * units.AA)
    table = Table()
    table["wavelength"] = simulator.spectrograph.wave_aa * units.AA
    table["flux"] = batch.spectrum[0] * flux_unit
    table["flux_error"] = batch.spectrum_error[0] * flux_unit
    for component in (*COMPONENTS, *(active.source.name for active in active_sources(simulator.recipe))):
        table[component] = galaxy.observe(simulator.recipe, component) * scale * flux_unit
    truths = {
        entry["name"]: float(value)
        for entry, value in zip(simulator.truths.entries, batch.truth[0], strict=True)
        if np.isfinite(value)
    }
    table.meta = {
        "recipe": name,
        "library": simulator.library.name,
        "sample_id": int(sample_id),
        "seed": int(simulator.seed),
        "magnitudes_ab": {
            band.name: float(mag)
            for band, mag in zip(simulator.photometer.filters, batch.photometry[0], strict=True)
            if np.isfinite(mag)
        },
        "truths": truths,
        "energy_lsun": galaxy.energy_lsun(),
    }
    return table


def write_galaxy_table(simulator, sample_id: int, path: str | Path, overwrite: bool = False) -> Path:
    """Write `galaxy_table` as ``.ecsv`` or ``.fits``, whole or not at all.

    Raises
    ------
    DatasetError
        For another ending or an existing file, and when it cannot be written.
    """
    import io
    import json

    path = Path(path)
    if path.suffix not in (".ecsv", ".fits"):
        raise DatasetError(f"{path}: the table is written as .ecsv or .fits, not {path.suffix or 'without ending'}")
    if exists(path) and not overwrite:
        raise DatasetError(f"{path} exists: choose another name, or allow overwriting (--overwrite)")
    table = galaxy_table(simulator, sample_id)
    if path.suffix == ".fits":
        # FITS headers hold no nested data: as JSON text in comments, which keep any length
        meta, table.meta = table.meta, {}
        table.meta["comments"] = json.dumps(meta, indent=1).splitlines()
    content = io.BytesIO() if path.suffix == ".fits" else io.StringIO()
    table.write(content, format=path.suffix[1:].replace("ecsv", "ascii.ecsv"))
    written = content.getvalue()
    with named_errors(path, DatasetError), whole_file(path) as temporary:
        temporary.write_bytes(written if isinstance(written, bytes) else written.encode())
    return path
