"""What a FITS file holds, without failing on files that are not FITS."""

from __future__ import annotations

from pathlib import Path


def extension_names(paths: list[Path]) -> set[str]:
    """Names of the extensions of the one FITS file in ``paths``; empty when it is anything else."""
    if len(paths) != 1 or not paths[0].is_file() or not paths[0].name.lower().endswith((".fits", ".fits.gz")):
        return set()
    from astropy.io import fits

    try:
        with fits.open(paths[0]) as hdus:
            return {hdu.name for hdu in hdus}
    except OSError:
        return set()
