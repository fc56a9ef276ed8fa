"""The plain FITS form: one image extension an array, named in capitals (METALLICITY, AGE_YR, ...).

Texts are cards of the primary header: IMF, SOURCE, LICENCE, CITATION, NOTES. `plain` has names and units.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sfhsim.errors import LibraryError
from sfhsim.libraries.readers.fits_content import extension_names
from sfhsim.libraries.readers.plain import (
    ACCEPTED_UNITS,
    OPTIONAL,
    REQUIRED,
    TEXTS,
    check_unit,
    to_arrays,
    to_library,
)
from sfhsim.libraries.ssp_library import SSPLibrary


def recognises(paths: list[Path]) -> bool:
    """Whether this reader takes these paths: one FITS file with a FLUX or a WAVE_AA extension."""
    return bool(extension_names(paths) & {"FLUX", "WAVE_AA"})


def read(paths: list[Path], *, name: str = "library") -> SSPLibrary:
    """Read one plain FITS file.

    Raises
    ------
    LibraryError
        When it is not FITS, an array is missing, or its unit or content is wrong.
    """
    from astropy.io import fits

    path = Path(paths[0])
    arrays: dict[str, np.ndarray] = {}
    try:
        with fits.open(path) as hdus:
            for array in (*REQUIRED, *OPTIONAL):
                if array.upper() in hdus:
                    check_unit(path, array, str(hdus[array.upper()].header.get("BUNIT", "")))
                    arrays[array] = np.array(hdus[array.upper()].data)
            header = hdus[0].header
            texts = {text: str(header[text.upper()]) for text in TEXTS if text.upper() in header}
    except OSError as error:
        raise LibraryError(f"{path} is not a readable FITS file ({error})") from error
    return to_library(path, name, arrays, texts)


def write(library: SSPLibrary, path: Path) -> None:
    """Write the plain FITS form, over what is there."""
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    for text in TEXTS:
        # FITS headers hold ASCII only; long texts go on in CONTINUE cards.
        primary.header[text.upper()] = getattr(library, text).encode("ascii", "replace").decode("ascii")
    images = []
    for name, array in to_arrays(library).items():
        image = fits.ImageHDU(array, name=name.upper())
        if ACCEPTED_UNITS[name][0]:
            image.header["BUNIT"] = ACCEPTED_UNITS[name][0]
        images.append(image)
    fits.HDUList([primary, *images]).writeto(path, overwrite=True)
