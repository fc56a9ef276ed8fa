"""The FITS file of what is true of a cube: an image for each map, before the PSF and as the PSF mixes it."""

from __future__ import annotations

import json

import numpy as np
from astropy.io import fits

from sfhsim.constants import PC_CM
from sfhsim.cubes.fits_layout import FLUX, celestial_cards
from sfhsim.cubes.model import CubeModel, SkyField
from sfhsim.cubes.psf import kernels
from sfhsim.cubes.truth import TruthMaps, truths_of

# name, unit as astropy reads it, what it is; as in the maps of `sfhmodel map`
MAPS = (
    ("V", "km/s", "velocity relative to the galaxy's redshift"),
    ("SIGMA", "km/s", "velocity dispersion of the stars"),
    ("LOG_AGE_MW", "dex(yr)", "mass-weighted mean log10 age"),
    ("LOG_AGE_LW", "dex(yr)", "light-weighted mean log10 age"),
    ("METAL_MW", "dex", "log10 of mass-weighted mean Z / 0.02"),
    ("METAL_LW", "dex", "log10 of light-weighted mean Z / 0.02"),
    ("A_V", "mag", "attenuation of the stars at 5500 A"),
    ("FRAC_100MYR", "", "fraction of the mass formed in the last 100 Myr"),
    ("LOG_MASS_DENSITY", "dex(solMass pc-2)", "log10 mass formed per area on the sky"),
    ("SFR_DENSITY_10MYR", "solMass yr-1 kpc-2", "star formation rate per area on the sky, last 10 Myr"),
    ("SFR_DENSITY_100MYR", "solMass yr-1 kpc-2", "star formation rate per area on the sky, last 100 Myr"),
    ("FLUX", FLUX, "mean flux of the galaxy, without stars and noise"),
)
CUBES = (
    ("SFH", "", "fraction of the mass formed in each age bin (AGE_BINS)"),
    ("METAL_AGE", "", "Z of the stars of each age bin (AGE_BINS)"),
)
_BIN_AXIS = [
    ("CTYPE3", "AGE_BIN", "number of the row of AGE_BINS"),
    *((name, 1.0, "") for name in ("CRPIX3", "CRVAL3", "CD3_3")),
    *((name, 0.0, "") for name in ("CD1_3", "CD2_3", "CD3_1", "CD3_2")),
]


def truth_file(
    model: CubeModel, truths: TruthMaps, distance_cm: float, star_share: np.ndarray, cards: list[tuple]
) -> fits.HDUList:
    """The file of true maps: before the PSF, with the ending _PSF as it mixes them; share and mask of stars; age bins.

    Parameters
    ----------
    model : CubeModel
    truths : with all spaxels.
    distance_cm : luminosity distance of the galaxy.
    star_share : (n_y, n_x) of stars in the light.
    cards : of the primary header; the description of the cube follows as JSON in comments.
    """
    field, grid, sums = model.field, truths.grid, truths.sums()
    kpc = distance_cm / (1e3 * PC_CM) / (1.0 + model.galaxy.redshift) ** 2
    area_kpc2 = float(np.radians(field.pixel_arcsec / 3600.0) * kpc) ** 2
    maps = {name: values[..., *grid.inner] for name, values in truths_of(sums, area_kpc2).items()}
    if grid.margin:
        middle_aa = np.array([0.5 * (field.wave_aa[0] + field.wave_aa[-1])])
        seen = truths_of(sums.through(kernels(model.psf, field, middle_aa, grid.margin)[0]), area_kpc2)
        maps |= {f"{name}_PSF": values for name, values in seen.items()}
    primary = fits.PrimaryHDU(header=fits.Header(cards))
    for line in json.dumps(model.model_dump(mode="json"), indent=1).splitlines():
        primary.header["COMMENT"] = line
    hdus = [primary]
    for name, unit, text in (*MAPS, *CUBES):
        hdus.append(_image(field, name, maps[name], unit, f"{text}; before the PSF"))
        if f"{name}_PSF" in maps:
            hdus.append(_image(field, f"{name}_PSF", maps[f"{name}_PSF"], unit, f"{text}; as the PSF mixes it"))
    starry = (star_share >= model.stars.mask_share) & (model.stars.number > 0)
    hdus.append(_image(field, "STAR_SHARE", star_share, "", "share of foreground stars in the light, after the PSF"))
    hdus.append(
        _image(field, "STARMASK", starry.astype(np.uint8), "", f"1 where that is {model.stars.mask_share:g} or more")
    )
    hdus.append(_age_bins(truths.edges_yr))
    return fits.HDUList(hdus)


def _age_bins(edges_yr: np.ndarray) -> fits.BinTableHDU:
    columns = [
        fits.Column(name="AGE_LOW", format="D", unit="yr", array=edges_yr[:-1]),
        fits.Column(name="AGE_HIGH", format="D", unit="yr", array=edges_yr[1:]),
    ]
    return fits.BinTableHDU.from_columns(columns, name="AGE_BINS")


def _image(field: SkyField, name: str, values: np.ndarray, unit: str, text: str) -> fits.ImageHDU:
    values = np.asarray(values)
    hdu = fits.ImageHDU(values if values.dtype == np.uint8 else values.astype(np.float32), name=name)
    if unit:
        hdu.header["BUNIT"] = unit
    hdu.header["CONTENT"] = text
    hdu.header.extend(celestial_cards(field))
    if values.ndim == 3:
        hdu.header["WCSAXES"] = 3
        hdu.header.extend(_BIN_AXIS)
    return hdu
