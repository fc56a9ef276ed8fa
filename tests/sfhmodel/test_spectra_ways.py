"""The same spectrum and the same cube, however they are written: one prepared spectrum, or a refusal by name."""

import warnings

import numpy as np
import pytest
import spectra_ways as ways
from spectra_ways import BAD, LOG_WAVE_AA, REDSHIFT, WAVE_AA, columns, flux_of, linear_axis, sigma_of

from sfhmodel.description import NEEDED_TRUTHS, ModelDescription
from sfhmodel.errors import InputError, SfhmodelWarning
from sfhmodel.spectra import ObservedSpectrum, ReadOptions, SpectrumPreparer, read_spectra

TOLERANCE = 1e-5
FLUX_UNIT = {"flux": "erg / (s cm2 Angstrom)", "wave": "Angstrom"}


def preparer():
    return SpectrumPreparer(
        ModelDescription(
            wave_aa=np.arange(4800.3, 7000.0, 4.1),
            age_bin_edges_yr=np.array([0.0, 1e9, 1.38e10]),
            bands=(),
            truth_names=NEEDED_TRUTHS,
        )
    )


def prepared(spectrum, medium):
    """On the model's grid, as the predictor has it done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SfhmodelWarning)
        return preparer()(
            spectrum.wave_aa,
            spectrum.flux[None],
            None if spectrum.flux_error is None else spectrum.flux_error[None],
            None if spectrum.mask is None else spectrum.mask[None],
            redshift=spectrum.redshift,
            medium=medium,
        )


def assert_same(spectrum, wave_aa=WAVE_AA, errors=True, masked=True, medium="air"):
    """That a spectrum is the reference, after the preparation, within 1e-5."""
    flux = np.where(BAD, np.nan, flux_of(wave_aa)) if masked else flux_of(wave_aa)
    error = sigma_of(wave_aa) if errors else None
    truth = ObservedSpectrum(wave_aa, flux, error, redshift=REDSHIFT)
    assert spectrum.redshift == pytest.approx(REDSHIFT)
    assert spectrum.medium == medium
    ours, expected = prepared(spectrum, medium), prepared(truth, medium)
    np.testing.assert_array_equal(ours.mask, expected.mask)
    np.testing.assert_allclose(ours.flux, expected.flux, rtol=TOLERANCE, atol=TOLERANCE)
    np.testing.assert_allclose(ours.flux_error, expected.flux_error, rtol=TOLERANCE, atol=TOLERANCE * 0.01)


def only(path, **options):
    (spectrum,) = read_spectra(path, ReadOptions(**({"redshift": REDSHIFT, "medium": "air"} | options)))
    return spectrum


# --- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ways.WAVE_UNITS)
def test_units_of_wavelengths(tmp_path, unit):
    path = ways.write_fits_table(tmp_path / "a.fits", columns(wave=unit), {"wave": unit})
    assert_same(only(path))


@pytest.mark.parametrize("kind", ["log10", "ln"])
def test_logarithmic_wavelengths(tmp_path, kind):
    content = columns(wave_aa=LOG_WAVE_AA)
    del content["wave"]
    wave = np.log10(LOG_WAVE_AA) if kind == "log10" else np.log(LOG_WAVE_AA)
    named = {"loglam" if kind == "log10" else "ln_wave": wave, **content}
    assert_same(only(ways.write_text(tmp_path / "named.txt", named)), LOG_WAVE_AA)
    unnamed = {"wave": wave, **content}
    assert_same(only(ways.write_text(tmp_path / "said.txt", unnamed), wave_unit=kind), LOG_WAVE_AA)
    found = only(ways.write_text(tmp_path / "certain.txt", unnamed))
    assert_same(found, LOG_WAVE_AA)
    assert any("of Angstrom" in note for note in found.notes)


@pytest.mark.parametrize("unit", ways.FLUX_UNITS)
@pytest.mark.parametrize("container", ["fits", "cells", "text", "option"])
def test_units_of_fluxes(tmp_path, unit, container):
    content = columns(flux=unit)
    if container in ("fits", "cells"):
        units = {"wave": "Angstrom", "flux": unit}
        path = ways.write_fits_table(tmp_path / "a.fits", content, units, cells=container == "cells")
        assert_same(only(path))
    elif container == "text":
        content = {f"flux [{unit}]" if name == "flux" else name: values for name, values in content.items()}
        assert_same(only(ways.write_text(tmp_path / "a.csv", content, separator=",")))
    else:
        assert_same(only(ways.write_text(tmp_path / "a.txt", content), flux_unit=unit))


@pytest.mark.parametrize("name", ["fnu", "f_nu", "Fnu", "flux_nu", "maggies", "Flux (uJy)", "flux_ujy", "flux_Jy"])
def test_names_that_say_what_a_flux_is(tmp_path, name):
    content = columns(flux="uJy")
    content = {name if key == "flux" else key: values for key, values in content.items()}
    assert_same(only(ways.write_text(tmp_path / "a.csv", content, separator=",")))


def test_errors_may_have_a_unit_of_their_own(tmp_path):
    content = columns(flux="Jy") | {"err": sigma_of(WAVE_AA) * ways.FLUX_UNITS["uJy"](WAVE_AA)}
    assert_same(only(ways.write_fits_table(tmp_path / "a.fits", content, {"flux": "Jy", "err": "uJy"})))
    squared = columns(flux="Jy") | {"err": (sigma_of(WAVE_AA) * ways.FLUX_UNITS["uJy"](WAVE_AA)) ** 2}
    found = only(ways.write_fits_table(tmp_path / "b.fits", squared, {"flux": "Jy", "err": "uJy2"}))
    assert_same(found)
    assert any("taken to hold the variance" in note for note in found.notes)


@pytest.mark.parametrize("unit", ["counts", "adu", "km/s", "electron/s", "mag", "K", "parrots"])
def test_fluxes_that_cannot_be_converted(tmp_path, unit):
    path = ways.write_fits_table(tmp_path / "a.fits", columns(), {"flux": unit})
    with pytest.raises(InputError, match=r"a\.fits: column 'flux' .*--flux-unit"):
        only(path)


@pytest.mark.parametrize("name", ways.ERRORS)
def test_names_of_errors(tmp_path, name):
    assert_same(only(ways.write_text(tmp_path / "a.txt", columns(error=name, scale=1e16))))


@pytest.mark.parametrize("name", ways.MASKS)
@pytest.mark.parametrize("container", ["fits", "text", "hdf5", "votable"])
@pytest.mark.filterwarnings("ignore:The unit .* has been deprecated")  # of astropy's writer
def test_masks_by_convention(tmp_path, name, container):
    content = columns(mask=name)
    if container == "fits":
        found = only(ways.write_fits_table(tmp_path / "a.fits", content, FLUX_UNIT))
    elif container == "text":
        found = only(ways.write_text(tmp_path / "a.txt", content))
    elif container == "hdf5":
        found = only(ways.write_hdf5(tmp_path / "a.h5", content, FLUX_UNIT))
    else:
        found = only(ways.write_table(tmp_path / "a.vot", content, FLUX_UNIT, format="votable"))
    assert_same(found)
    assert any(("= good" if name == "good" else "= bad") in note for note in found.notes)


def test_booleans_and_masked_columns(tmp_path):
    content = columns() | {"mask": BAD}
    content["flux"] = np.where(BAD, 1e-15, content["flux"])
    assert_same(only(ways.write_table(tmp_path / "a.ecsv", content)))
    assert_same(only(ways.write_fits_table(tmp_path / "a.fits", content, FLUX_UNIT)))
    assert_same(only(ways.write_text(tmp_path / "a.csv", content | {"mask": BAD}, separator=",", fmt="{}")))
    content.pop("mask")
    content["flux"] = np.ma.masked_array(content["flux"], mask=BAD)
    assert_same(only(ways.write_table(tmp_path / "b.ecsv", content)))
    reversed_ = columns() | {"mask": ~BAD}
    reversed_["flux"] = np.where(BAD, 1e-15, reversed_["flux"])
    assert_same(only(ways.write_table(tmp_path / "c.ecsv", reversed_), mask_means="use"))


@pytest.mark.parametrize(
    ("separator", "comment", "header"),
    [
        (" ", "", True),
        (" ", "# ", True),
        (" ", "# ", False),
        ("\t", "", True),
        ("\t", "#", True),
        ("\t", "", False),
        (",", "", True),
        (",", "# ", True),
        (",", "", False),
        (";", "", True),
        (";", "", False),
        (" ; ", "", True),
        ("|", "", True),
        (" ", "% ", True),
        ("  ", "! ", True),
        (", ", "// ", True),
    ],
)
def test_separators_comments_and_headers(tmp_path, separator, comment, header):
    assert_same(only(ways.write_text(tmp_path / "a.dat", columns(), separator, comment, header)))


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("container", ["txt", "ecsv", "fits", "npz", "h5"])
def test_packed_files(tmp_path, packing, container):
    path = tmp_path / f"a.{container}"
    if container == "txt":
        ways.write_text(path, columns())
    elif container == "ecsv":
        ways.write_table(path, columns(), FLUX_UNIT)
    elif container == "fits":
        ways.write_fits_table(path, columns(), FLUX_UNIT)
    elif container == "npz":
        ways.write_npz(path, columns())
    else:
        ways.write_hdf5(path, columns())
    found = only(ways.pack(path, packing))
    assert_same(found)
    assert found.name == "a"


def test_text_of_other_programs(tmp_path):
    content = columns()
    plain = ways.write_text(tmp_path / "a.txt", content).read_text()
    for name, text in {
        "fortran": plain.replace("e-", "D-").replace("e+", "D+"),
        "bom": "\ufeff" + plain,
        "crlf": plain.replace("\n", "\r\n"),
        "trailing": plain.replace("\n", " \n"),
        "preamble": "# an observatory\n# redshift = 0.0123\n" + plain,
        "units": plain.replace("wave flux err", "wave flux err\n# Angstrom erg/s/cm2/A erg/s/cm2/A"),
        "brackets": plain.replace("wave flux err", "# wave [AA] flux [erg/s/cm2/A] err [erg/s/cm2/A]"),
        "quotes": plain.replace("wave flux err", '"wave" "flux" "err"'),
    }.items():
        path = tmp_path / f"{name}.txt"
        path.write_text(text, newline="")
        assert_same(only(path))
    comma = ways.write_text(tmp_path / "comma.csv", content, separator=";")
    comma.write_text(comma.read_text().replace(".", ","))
    assert_same(only(comma))
    wide = tmp_path / "utf16.txt"
    wide.write_bytes(plain.encode("utf-16"))
    assert_same(only(wide))


@pytest.mark.filterwarnings("ignore:The unit .* has been deprecated")  # of astropy's writer
def test_declared_text_formats(tmp_path):
    for name, form in (
        ("a.ecsv", "ascii.ecsv"),
        ("a.vot", "votable"),
        ("a.ipac", "ascii.ipac"),
        ("a.mrt", "ascii.mrt"),
    ):
        table = columns()
        if form == "ascii.mrt":
            table = {key: np.ma.masked_invalid(values) for key, values in table.items()}
        assert_same(only(ways.write_table(tmp_path / name, table, FLUX_UNIT, format=form)))


def test_tables_of_astropy_in_hdf5(tmp_path):
    units = {"wave": "nm", "flux": "Jy", "err": "Jy"}
    content = columns(wave="nm", flux="Jy")
    assert_same(only(ways.write_table(tmp_path / "a.h5", content, units, path="spectrum", serialize_meta=True)))


def test_words_and_numbers_of_rows_beside_the_columns(tmp_path):
    content = columns()
    rows = list(zip(*content.values(), strict=True))
    path = tmp_path / "a.csv"
    path.write_text("object,wave,flux,err\n" + "\n".join(f"NGC 1,{w},{f},{e}" for w, f, e in rows))
    assert_same(only(path))
    path.write_text(",wave,flux,err\n" + "\n".join(f"{k},{w},{f},{e}" for k, (w, f, e) in enumerate(rows)))
    assert_same(only(path))


def test_names_of_other_programs(tmp_path):
    content = columns(scale=1e16)
    renamed = {"lam": content["wave"], "galaxy": content["flux"], "noise": content["err"]}
    assert_same(only(ways.write_npz(tmp_path / "a.npz", renamed)))
    flux, sigma = cube("10^-16 ergs/s/cm^2/A")
    beside = {"UNCERT": sigma, "MASK": np.zeros(flux.shape, np.uint8)}
    path = ways.write_image(tmp_path / "keck.fits", flux, linear_axis(3), beside, BUNIT="FLAM16")
    assert_same(only(path, spaxel=(0, 0)))


def test_orders_and_padding(tmp_path):
    content = columns()
    turned = {name: values[::-1] for name, values in content.items()}
    assert_same(only(ways.write_text(tmp_path / "turned.txt", turned)))
    for name, filling in (("nan", np.nan), ("zero", 0.0)):
        ends = {key: np.concatenate([[filling] * 3, values, [filling] * 7]) for key, values in content.items()}
        found = only(ways.write_fits_table(tmp_path / f"{name}.fits", ends, FLUX_UNIT))
        assert_same(found)
        assert any("10 pixels of padding" in note for note in found.notes)


@pytest.mark.parametrize("dtype", [">f8", "<f8", ">f4", "f4"])
def test_byte_orders(tmp_path, dtype):
    content = {name: values.astype(dtype) for name, values in columns(scale=1e16).items()}
    content["wave"] = WAVE_AA.astype(">f8" if dtype[0] == ">" else "f8")
    assert_same(only(ways.write_npz(tmp_path / "a.npz", content)))


def test_the_exact_name_wins_over_the_contained_one(tmp_path):
    content = columns()
    content = {
        "wave": content["wave"],
        "sky_flux": content["flux"] * 7.0,
        "model_flux": content["flux"] * 3.0,
        "flux": content["flux"],
        "sky_err": content["err"] * 9.0,
        "err": content["err"],
    }
    found = only(ways.write_text(tmp_path / "a.csv", content, separator=","))
    assert_same(found)
    assert any("flux from 'flux', errors from 'err'" in note for note in found.notes)


def test_several_tables_of_one_file(tmp_path):
    from astropy.io import fits

    path = ways.write_fits_table(tmp_path / "a.fits", columns(), FLUX_UNIT)
    with fits.open(path) as hdus:
        twice = fits.HDUList([hdus[0].copy(), hdus[1].copy(), hdus[1].copy()])
        twice.writeto(tmp_path / "b.fits")
    spectra = read_spectra(tmp_path / "b.fits", ReadOptions(redshift=REDSHIFT, medium="air"))
    assert [spectrum.name for spectrum in spectra] == ["b-1", "b-2"]
    for spectrum in spectra:
        assert_same(spectrum)


# --- images and cubes -----------------------------------------------------------------------------------------------


def image_flux():
    return np.where(BAD, np.nan, flux_of(WAVE_AA) * 1e16)


@pytest.mark.parametrize("form", ["CDELT", "CD", "PC"])
@pytest.mark.parametrize("unit", ["Angstrom", "nm", "um", "m"])
def test_axes_of_images(tmp_path, form, unit):
    axis = linear_axis(1, unit, form)
    path = ways.write_image(tmp_path / "a.fits", image_flux(), axis, {"ERR": sigma_of(WAVE_AA) * 1e16})
    assert_same(only(path, medium=None))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ERROR", lambda s: s),
        ("STD", lambda s: s),
        ("SIGMA", lambda s: s),
        ("STAT", lambda s: s**2),
        ("VARIANCE", lambda s: s**2),
        ("IVAR", lambda s: s**-2.0),
        ("F_VAR", lambda s: s**2),
    ],
)
@pytest.mark.parametrize("mask", ["DQ", "MASK", "BADPIX", "QUAL"])
def test_hdus_beside_an_image(tmp_path, name, values, mask):
    flux = np.where(BAD, 40.0, flux_of(WAVE_AA) * 1e16)
    beside = {name: values(sigma_of(WAVE_AA) * 1e16), mask: BAD.astype(np.int32)}
    assert_same(only(ways.write_image(tmp_path / "a.fits", flux, linear_axis(1), beside)))


def test_hdus_named_by_keywords(tmp_path):
    beside = {"NUMBERS": (sigma_of(WAVE_AA) * 1e16) ** 2, "THINGS": BAD.astype(np.int32)}
    path = tmp_path / "a.fits"
    flux = np.where(BAD, 40.0, flux_of(WAVE_AA) * 1e16)
    ways.write_image(path, flux, linear_axis(1), beside, name="SCI", ERRDATA="NUMBERS", QUALDATA="THINGS")
    from astropy.io import fits

    with fits.open(path, mode="update") as hdus:
        hdus["NUMBERS"].header["HDUCLAS2"] = "ERROR"
        hdus["NUMBERS"].header["HDUCLAS3"] = "MSE"
    assert_same(only(path))


def test_wavelengths_in_an_hdu(tmp_path):
    beside = {"ERROR": sigma_of(WAVE_AA) * 1e16, "WAVELENGTH": WAVE_AA, "CONTINUUM": np.ones(WAVE_AA.size)}
    assert_same(only(ways.write_image(tmp_path / "a.fits", image_flux(), {}, beside, name="FLUX")))
    beside["WAVELENGTH"] = (WAVE_AA / 10.0, "nm")
    assert_same(only(ways.write_image(tmp_path / "b.fits", image_flux(), {}, beside, name="FLUX")))


def test_rows_of_an_image(tmp_path):
    flux = np.stack([image_flux(), image_flux() * 3.0])
    beside = {"ERROR": np.stack([sigma_of(WAVE_AA), 3.0 * sigma_of(WAVE_AA)]) * 1e16}
    path = ways.write_image(tmp_path / "a.fits", flux, linear_axis(1), beside)
    for spectrum in read_spectra(path, ReadOptions(redshift=REDSHIFT, medium="air")):
        assert_same(spectrum)


CUBE_SCALE = np.array([[1.0, 2.0, 3.0], [4.0, 0.5, 1.5]])


def cube(unit="1E-17 erg/s/cm^2/Ang"):
    factor = ways.FLUX_UNITS[unit](WAVE_AA) * np.ones(WAVE_AA.size)
    flux = np.where(BAD, np.nan, flux_of(WAVE_AA)) * factor
    return flux[:, None, None] * CUBE_SCALE, (sigma_of(WAVE_AA) * factor)[:, None, None] * CUBE_SCALE


@pytest.mark.parametrize("unit", ways.FLUX_UNITS)
def test_units_of_cubes(tmp_path, unit):
    flux, sigma = cube(unit)
    path = ways.write_image(tmp_path / "a.fits", flux, linear_axis(3), {"ERR": sigma}, name="SCI", BUNIT=unit)
    assert_same(only(path, spaxel=(1, 0)))


@pytest.mark.parametrize("form", ["CDELT", "CD", "PC"])
@pytest.mark.parametrize("unit", ["Angstrom", "nm", "m"])
@pytest.mark.parametrize("error", ["STAT", "ERR", "IVAR"])
def test_axes_and_errors_of_cubes(tmp_path, form, unit, error):
    flux, sigma = cube()
    values = {"STAT": sigma**2, "ERR": sigma, "IVAR": sigma**-2.0}[error]
    path = ways.write_image(tmp_path / "a.fits", flux, linear_axis(3, unit, form), {error: values}, name="DATA")
    assert_same(only(path, spaxel=(2, 1), medium=None))


def test_a_cube_whose_spectra_are_its_first_axis(tmp_path):
    flux, sigma = (np.moveaxis(values, 0, -1) for values in cube())
    path = ways.write_image(tmp_path / "a.fits", flux, linear_axis(1), {"ERR": sigma})
    assert_same(only(path, spaxel=(0, 1)))


@pytest.mark.parametrize("mask", ["DQ", "MASK", "BADPIX", "QUALITY"])
def test_masks_of_cubes(tmp_path, mask):
    flux, sigma = cube()
    planes = np.broadcast_to(BAD[:, None, None], flux.shape).astype(np.int32)
    path = ways.write_image(
        tmp_path / "a.fits", np.nan_to_num(flux, nan=1e3), linear_axis(3), {"STAT": sigma**2, mask: planes}, name="DATA"
    )
    assert_same(only(path, spaxel=(0, 0)))


def test_header_of_astropy(tmp_path):
    from astropy.wcs import WCS

    system = WCS(naxis=3)
    system.wcs.ctype = ["RA---TAN", "DEC--TAN", "AWAV"]
    system.wcs.cunit = ["deg", "deg", "Angstrom"]
    system.wcs.crval, system.wcs.crpix, system.wcs.cdelt = [10.0, 20.0, 4700.3], [1.0, 1.0, 1.0], [1e-4, 1e-4, 2.25]
    flux, sigma = cube()
    path = ways.write_image(tmp_path / "a.fits", flux, dict(system.to_header()), {"ERR": sigma}, name="SCI")
    assert_same(only(path, spaxel=(0, 0), medium=None))


def test_tiled_compression(tmp_path):
    from astropy.io import fits

    flux, sigma = cube()
    hdus = [fits.CompImageHDU(flux, name="DATA", compression_type="GZIP_2", quantize_level=0.0)]
    hdus[0].header.update(linear_axis(3))
    hdus.append(fits.CompImageHDU(sigma, name="ERR", compression_type="GZIP_2", quantize_level=0.0))
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "a.fits.fz")
    found = only(tmp_path / "a.fits.fz", spaxel=(0, 0))
    assert_same(found)
    assert found.name == "a-0-0"


def test_wavelengths_of_a_cube_in_a_table(tmp_path):
    from astropy.io import fits

    flux, sigma = cube()
    table = fits.BinTableHDU.from_columns(
        [fits.Column("wavelength", f"{WAVE_AA.size}D", dim=f"(1,{WAVE_AA.size})", array=WAVE_AA[None, :, None] / 1e4)],
        name="WCS-TABLE",
    )
    main = fits.ImageHDU(flux, name="SCI")
    main.header.update({"CTYPE3": "WAVE-TAB", "CUNIT3": "um", "PS3_0": "WCS-TABLE", "PS3_1": "wavelength"})
    main.header.update({"PV3_3": 1, "CRPIX3": 1.0, "CRVAL3": 1.0, "CDELT3": 1.0})
    fits.HDUList([fits.PrimaryHDU(), main, fits.ImageHDU(sigma, name="ERR"), table]).writeto(tmp_path / "a.fits")
    assert_same(only(tmp_path / "a.fits", spaxel=(0, 0)))
