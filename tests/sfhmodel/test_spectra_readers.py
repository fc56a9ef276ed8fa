"""Reading every layout: made-up files whose content is known, and the real ones."""

import tarfile

import h5py
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table

from sfhmodel.errors import InputError
from sfhmodel.spectra import Layout, ObservedSpectrum, ReadOptions, layouts, read_spectra, register_layout, registry

WAVE_AA = np.linspace(4000.0, 9000.0, 60)
FLUX = 5.0 + np.sin(WAVE_AA / 300.0)
ERROR = 0.1 * FLUX


def only(path, **options):
    (spectrum,) = read_spectra(path, ReadOptions(**options))
    return spectrum


def assert_read(spectrum, wave_aa=WAVE_AA, flux=FLUX, error=ERROR):
    np.testing.assert_allclose(spectrum.wave_aa, wave_aa, rtol=1e-6)
    np.testing.assert_allclose(spectrum.flux, flux, rtol=1e-6)
    if error is None:
        assert spectrum.flux_error is None
    else:
        np.testing.assert_allclose(spectrum.flux_error, error, rtol=1e-6)


# --- tables of text -------------------------------------------------------------------------------------------------


def write_text(path, header, *columns, delimiter=" "):
    np.savetxt(path, np.column_stack(columns), header=header, comments="", delimiter=delimiter)
    return path


@pytest.mark.parametrize(
    "header", ["wave flux error", "# wave flux error", "wavelength spec flux_err", "lambda f_lambda sigma"]
)
def test_text_with_names(tmp_path, header):
    assert_read(only(write_text(tmp_path / "a.txt", header, WAVE_AA, FLUX, ERROR)))


def test_text_without_names_takes_columns_in_order_and_says_so(tmp_path):
    path = tmp_path / "a.dat"
    np.savetxt(path, np.column_stack([WAVE_AA, FLUX, ERROR]))
    spectrum = only(path)
    assert_read(spectrum)
    assert any("third column" in note for note in spectrum.notes)
    assert any("in air" in note for note in spectrum.notes)


def test_two_columns_have_no_error(tmp_path):
    path = tmp_path / "a.dat"
    np.savetxt(path, np.column_stack([WAVE_AA, FLUX]))
    assert_read(only(path), error=None)


def test_variances_by_name_and_by_option(tmp_path):
    named = write_text(tmp_path / "a.txt", "wave flux flux_var", WAVE_AA, FLUX, ERROR**2)
    assert_read(only(named))
    plain = tmp_path / "b.dat"
    np.savetxt(plain, np.column_stack([WAVE_AA, FLUX, ERROR**2]))
    assert_read(only(plain, error_is="variance"))
    inverse = write_text(tmp_path / "c.csv", "wave,flux,ivar", WAVE_AA, FLUX, ERROR**-2, delimiter=",")
    assert_read(only(inverse))


def test_columns_named_by_the_user(tmp_path):
    path = write_text(tmp_path / "a.txt", "x y z bad", WAVE_AA, ERROR, FLUX, np.arange(60) % 2)
    spectrum = only(path, wave_column="x", flux_column="3", error_column="y", mask_column="bad", mask_means="ignore")
    assert_read(spectrum)
    np.testing.assert_array_equal(spectrum.mask, np.arange(60) % 2 == 0)
    np.testing.assert_array_equal(
        only(path, wave_column="1", flux_column="z", mask_column="4", mask_means="use").mask, np.arange(60) % 2 == 1
    )


def test_a_flux_of_an_unknown_name_beside_known_wavelengths(tmp_path):
    spectrum = only(write_text(tmp_path / "a.txt", "WL F SIG", WAVE_AA, FLUX, ERROR))
    assert_read(spectrum)
    assert any("second column, 'F', taken to be the flux" in note for note in spectrum.notes)


def test_columns_that_cannot_be_told(tmp_path):
    path = write_text(tmp_path / "a.txt", "a b c d e", WAVE_AA, FLUX, ERROR, FLUX, FLUX)
    with pytest.raises(InputError, match="cannot tell the column of the wavelengths and fluxes among a, b, c, d, e"):
        read_spectra(path)
    with pytest.raises(InputError, match="no column 'x': there are a, b"):
        read_spectra(path, ReadOptions(wave_column="x", flux_column="b"))


def test_ecsv_has_units_masks_and_redshift(tmp_path):
    table = Table(
        {
            "wavelength": (WAVE_AA / 10.0) * units.nm,
            "flux": np.ma.masked_array(FLUX, mask=np.arange(60) == 7),
            "error": ERROR,
        },
        meta={"redshift": 0.03},
    )
    table.write(tmp_path / "a.ecsv")
    spectrum = only(tmp_path / "a.ecsv")
    assert_read(spectrum, flux=np.where(np.arange(60) == 7, np.nan, FLUX))
    assert spectrum.redshift == 0.03
    assert only(tmp_path / "a.ecsv", redshift=0.1).redshift == 0.1


def test_flux_in_jansky_becomes_per_angstrom(tmp_path):
    Table({"wave": WAVE_AA * units.AA, "flux": np.ones(60) * units.Jy}).write(tmp_path / "a.ecsv")
    flux = only(tmp_path / "a.ecsv").flux
    np.testing.assert_allclose(flux * WAVE_AA**2, flux[0] * WAVE_AA[0] ** 2, rtol=1e-9)


def test_columns_of_logarithms_and_units_given_by_the_user(tmp_path):
    assert_read(only(write_text(tmp_path / "a.txt", "loglam flux error", np.log10(WAVE_AA), FLUX, ERROR)))
    path = write_text(tmp_path / "b.txt", "wave flux error", WAVE_AA / 10.0, FLUX, ERROR)
    assert_read(only(path, wave_unit="nm"))


def test_decreasing_wavelengths_are_turned(tmp_path):
    assert_read(only(write_text(tmp_path / "a.txt", "wave flux error", WAVE_AA[::-1], FLUX[::-1], ERROR[::-1])))


@pytest.mark.parametrize("content", ["", "nothing but words\nand more words\n", "1 2\n3\n"])
def test_text_that_is_no_table(tmp_path, content):
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(InputError, match="a.txt"):
        read_spectra(tmp_path / "a.txt")


# --- FITS -----------------------------------------------------------------------------------------------------------


def image(data, name="", **cards):
    hdu = fits.ImageHDU(np.asarray(data, dtype=np.float32), name=name)
    hdu.header.update(cards)
    return hdu


def write_fits(path, *hdus):
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def linear(axis=1):
    return {f"CRVAL{axis}": WAVE_AA[0], f"CDELT{axis}": WAVE_AA[1] - WAVE_AA[0], f"CRPIX{axis}": 1.0}


def test_image_of_one_spectrum(tmp_path):
    path = write_fits(tmp_path / "a.fits", image(FLUX, **linear(), REDSHIFT=0.01), image(ERROR**2, "STAT"))
    spectrum = only(path)
    assert_read(spectrum)
    assert (spectrum.medium, spectrum.redshift, spectrum.name) == ("air", 0.01, "a")
    assert only(path, medium="vacuum").medium == "vacuum"


def test_compressed_file_and_vacuum_keyword(tmp_path):
    path = write_fits(tmp_path / "a.fits.gz", image(FLUX, **linear(), VACUUM=True))
    spectrum = only(path)
    assert_read(spectrum, error=None)
    assert (spectrum.medium, spectrum.name) == ("vacuum", "a")


def test_fits_table_with_a_row_per_pixel(tmp_path):
    Table({"WAVE": WAVE_AA * units.AA, "FLUX": FLUX, "ERR": ERROR}).write(tmp_path / "a.fits")
    assert_read(only(tmp_path / "a.fits"))


def test_fits_table_with_spectra_in_its_cells(tmp_path):
    Table({"WAVE": [WAVE_AA / 10.0] * 2 * units.nm, "FLUX": [FLUX, 2 * FLUX], "ERR": [ERROR, ERROR]}).write(
        tmp_path / "a.fits"
    )
    first, second = read_spectra(tmp_path / "a.fits")
    assert_read(first)
    assert_read(second, flux=2 * FLUX)
    assert [first.name, second.name] == ["a-1", "a-2"]


def write_sdss(path, specobj=True, **columns):
    content = {
        "flux": FLUX,
        "loglam": np.log10(WAVE_AA),
        "ivar": ERROR**-2,
        "and_mask": np.zeros(60, np.int32),
    } | columns
    hdus = [fits.BinTableHDU(Table(content), name="COADD")]
    if specobj:
        hdus.append(fits.BinTableHDU(Table({"Z": [0.021], "ZWARNING": [0]}), name="SPECOBJ"))
    return write_fits(path, *hdus)


def test_sdss(tmp_path):
    flags = np.zeros(60, np.int32)
    flags[3], flags[4] = 1 << 24, 1 << 16  # NODATA; NEARBADPIXEL, which is usable
    ivar = ERROR**-2.0
    ivar[5] = 0.0
    spectrum = only(write_sdss(tmp_path / "spec-1-2-3.fits", and_mask=flags, ivar=ivar))
    assert_read(spectrum, error=np.where(np.arange(60) == 5, np.nan, ERROR))
    assert (spectrum.medium, spectrum.redshift, spectrum.name) == ("vacuum", 0.021, "spec-1-2-3")
    np.testing.assert_array_equal(np.flatnonzero(~spectrum.mask), [3])


def test_sdss_without_specobj_has_no_redshift(tmp_path):
    path = write_sdss(tmp_path / "a.fits", specobj=False)
    assert only(path).redshift is None
    assert only(path, redshift=0.5).redshift == 0.5


def manga_hdus(flux, ivar, mask):
    return (
        image(flux, "FLUX"),
        image(ivar, "IVAR"),
        fits.ImageHDU(mask.astype(np.int32), name="MASK"),
        fits.ImageHDU(WAVE_AA, name="WAVE"),
    )


def test_manga_of_one_spectrum(tmp_path):
    mask = np.zeros(60, int)
    mask[[2, 3]] = 1 << 10, 1 << 1  # DONOTUSE; LOWCOV, which is usable
    spectrum = only(write_fits(tmp_path / "a.fits", *manga_hdus(FLUX, ERROR**-2, mask)))
    assert_read(spectrum)
    assert spectrum.medium == "vacuum"
    np.testing.assert_array_equal(np.flatnonzero(~spectrum.mask), [2])


def test_manga_rows(tmp_path):
    flux = np.outer([1.0, 2.0], FLUX)
    path = write_fits(tmp_path / "a.fits", *manga_hdus(flux, np.ones((2, 60)), np.zeros((2, 60))))
    assert [s.flux[0] / FLUX[0] for s in read_spectra(path)] == pytest.approx([1.0, 2.0])


@pytest.fixture
def manga_cube(tmp_path):
    """2 x 3 spaxels with flux 1, 2 ... 6; the last has no data, the first misses one pixel."""
    scale = np.arange(1.0, 7.0).reshape(2, 3)
    flux = FLUX[:, None, None] * scale
    ivar = np.full_like(flux, 4.0)
    ivar[:, 1, 2] = 0.0
    ivar[10, 0, 0] = 0.0
    return write_fits(tmp_path / "cube.fits", *manga_hdus(flux, ivar, np.zeros_like(flux)))


def test_spaxel_of_a_manga_cube(manga_cube):
    spectrum = only(manga_cube, spaxel=(1, 0))
    assert_read(spectrum, flux=2.0 * FLUX, error=np.full(60, 0.5))
    assert spectrum.name == "cube-1-0"


def test_sum_of_a_manga_cube_has_correlated_errors(manga_cube):
    spectrum = only(manga_cube)
    others = np.arange(60) != 10
    np.testing.assert_allclose(spectrum.flux[others], 15.0 * FLUX[others], rtol=1e-6)
    # Law et al. 2016, eq. 9, for five spaxels
    np.testing.assert_allclose(spectrum.flux_error[others], 0.5 * np.sqrt(5) * (1 + 1.62 * np.log10(5)), rtol=1e-6)
    assert spectrum.flux[10] == pytest.approx(14.0 * FLUX[10] * 5 / 4)
    assert any("sum of 5 spaxels" in note for note in spectrum.notes)


@pytest.mark.parametrize(("spaxel", "words"), [((3, 0), "no spaxel 3,0: x goes from 0 to 2"), ((2, 1), "no good data")])
def test_spaxels_that_cannot_be_taken(manga_cube, spaxel, words):
    with pytest.raises(InputError, match=words):
        read_spectra(manga_cube, ReadOptions(spaxel=spaxel))


def test_cube_with_a_header_axis(tmp_path):
    flux = FLUX[:, None, None] * np.ones((60, 2, 2))
    path = write_fits(
        tmp_path / "a.fits",
        image(flux, "DATA", CTYPE3="AWAV", CUNIT3="Angstrom", **linear(3)),
        image(0.01 * flux**2, "STAT"),
    )
    assert_read(only(path), flux=4.0 * FLUX, error=2.0 * ERROR)
    assert_read(only(path, spaxel=(1, 1)))


def test_damaged_fits(tmp_path):
    path = write_sdss(tmp_path / "a.fits")
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(InputError, match=r"a\.fits"):
        read_spectra(path)


# --- many spectra in one file ---------------------------------------------------------------------------------------


def many():
    return {
        "wavelength_aa": WAVE_AA,
        "flux": np.stack([FLUX, 2 * FLUX]),
        "flux_error": np.stack([ERROR, ERROR]),
        "mask": np.stack([np.ones(60), np.arange(60) > 5]),
        "redshift": np.array([0.01, np.nan]),
        "magnitudes": np.array([[20.0, 21.0], [np.nan, 19.0]]),
        "bands": np.array(["B", "V"]),
        "names": np.array(["one", "two"]),
    }


def write_arrays(path, content):
    if path.suffix == ".npz":
        np.savez(path, **content)
    else:
        with h5py.File(path, "w") as file:
            for key, values in content.items():
                file[key] = values.astype("S") if values.dtype.kind == "U" else values
    return path


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
def test_arrays(tmp_path, name):
    first, second = read_spectra(write_arrays(tmp_path / name, many()))
    assert_read(first)
    assert_read(second, flux=2 * FLUX)
    assert [first.name, second.name, first.redshift, second.redshift] == ["one", "two", 0.01, None]
    assert first.magnitudes == {"B": 20.0, "V": 21.0}
    np.testing.assert_array_equal(second.mask, np.arange(60) > 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flux": None}, "no flux in it"),
        ({"flux_error": np.ones((3, 60))}, "flux_error: 3 rows where flux has 2"),
        ({"redshift": np.zeros(3)}, "3 redshifts and 2 spectra"),
        ({"bands": None}, "needs `bands`"),
        ({"magnitudes": np.zeros((2, 3))}, r"need \(2, 2\)"),
        ({"names": np.array(["one"])}, "names|name: 1 rows"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, change, words):
    content = {key: values for key, values in (many() | change).items() if values is not None}
    with pytest.raises(InputError, match=words):
        read_spectra(write_arrays(tmp_path / "a.npz", content))


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
def test_truncated_arrays(tmp_path, name):
    path = write_arrays(tmp_path / name, many())
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(InputError, match="damaged"):
        read_spectra(path)


# --- what a spectrum must be, and the registry ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wave_aa": np.where(np.arange(60) == 3, np.nan, WAVE_AA)}, "1 wavelengths are not finite"),
        ({"wave_aa": np.where(np.arange(60) == 3, WAVE_AA[2], WAVE_AA)}, "do not increase"),
        ({"wave_aa": WAVE_AA - 5000.0}, "must be positive"),
        ({"wave_aa": WAVE_AA[:1], "flux": FLUX[:1]}, "at least two"),
        ({"flux": FLUX[:-1]}, r"flux has shape \(59,\)"),
        ({"flux_error": ERROR[:-1]}, r"flux_error has shape \(59,\)"),
        ({"mask": np.ones(59)}, r"mask has shape \(59,\)"),
        ({"medium": "water"}, "air or vacuum, got 'water'"),
    ],
)
def test_spectra_that_are_none(change, words):
    with pytest.raises(InputError, match=f"spectrum 'x': .*{words}"):
        ObservedSpectrum(**({"wave_aa": WAVE_AA, "flux": FLUX, "name": "x"} | change))


@pytest.mark.parametrize("options", [{"medium": "water"}, {"error_is": "guess"}, {"mask_means": "maybe"}])
def test_options_that_are_none(options):
    with pytest.raises(InputError, match="must be one of"):
        ReadOptions(**options)


def test_missing_file_and_unknown_layout(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nothing\.fits: No such file"):
        read_spectra(tmp_path / "nothing.fits")
    with pytest.raises(InputError, match="cannot read"):
        read_spectra(tmp_path)
    path = write_sdss(tmp_path / "a.fits")
    with pytest.raises(InputError, match="unknown layout 'sdds': known are sdss, desi, manga"):
        read_spectra(path, ReadOptions(layout="sdds"))
    with pytest.raises(InputError, match="cannot be read as manga"):
        read_spectra(path, ReadOptions(layout="manga"))


def test_unknown_binary_file(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="no known layout"):
        read_spectra(tmp_path / "a.bin")


def test_a_layout_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_added", {})
    mine = Layout(
        "mine", lambda source: source.path.suffix == ".mine", lambda source, options: [source.spectrum(WAVE_AA, FLUX)]
    )
    register_layout("mine", mine)
    (tmp_path / "a.mine").write_text("x")
    assert_read(only(tmp_path / "a.mine"), error=None)
    assert next(iter(layouts())) == "mine"
    with pytest.raises(InputError, match="registered already"):
        register_layout("mine", mine)
    with pytest.raises(InputError, match="registered already"):
        register_layout("sdss", mine)


# --- real files -----------------------------------------------------------------------------------------------------


@pytest.mark.reference_data
def test_muse_spectrum_of_ngc_1796(reference_data):
    spectrum = only(reference_data / "observed" / "NGC1796_MUSE_spec.dat")
    assert spectrum.wave_aa[[0, -1]] == pytest.approx([4700.0, 9350.0], abs=0.1)
    # the third column holds variances and says so
    assert spectrum.flux_error[0] == pytest.approx(np.sqrt(39.23082797897908))


@pytest.mark.reference_data
def test_sdss_spectrum(reference_data):
    spectrum = only(reference_data / "observed" / "spec-0266-51602-0001.fits")
    assert (spectrum.medium, spectrum.wave_aa.size) == ("vacuum", 3835)
    assert spectrum.redshift == pytest.approx(0.0213, abs=1e-4)


@pytest.mark.download
def test_spectra_of_the_ppxf_distribution(download_cache, tmp_path):
    from sfhsim.libraries.artifacts import PPXF, obtain

    with obtain(PPXF, None, tmp_path, lambda message: None) as sdist, tarfile.open(sdist) as archive:
        members = [m for m in archive if "/ppxf/spectra/" in m.name and m.name.endswith(".fits")]
        archive.extractall(tmp_path, members=members, filter="data")
    paths = sorted(tmp_path.rglob("*.fits"))
    spectra = {path.name.split("_")[0]: only(path) for path in paths}
    assert list(spectra) == ["NGC3073", "NGC3522", "NGC4550", "NGC4636"]
    redshifts = {name: spectrum.redshift for name, spectrum in spectra.items()}
    assert redshifts["NGC3073"] == pytest.approx(0.00376, abs=1e-5)
    assert redshifts["NGC4636"] == pytest.approx(0.00303, abs=1e-5)
    assert redshifts["NGC4550"] is None
    assert spectra["NGC4550"].wave_aa[[0, -1]] == pytest.approx([4824.6, 5280.0])
    assert [spectrum.medium for spectrum in spectra.values()] == ["vacuum", "vacuum", "air", "vacuum"]
