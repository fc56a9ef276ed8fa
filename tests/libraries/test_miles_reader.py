import numpy as np
import pytest

from sfhsim.errors import LibraryError
from sfhsim.libraries.importing import detect_format, import_library
from sfhsim.libraries.readers.miles_names import metallicity_of, parse_name
from sfhsim.libraries.readers.miles_spectrum import read_spectrum

AGES_GYR = (0.1, 1.0)
METALLICITIES = (-0.40, 0.22)


@pytest.fixture
def folder(tmp_path, write_miles):
    for m_h in METALLICITIES:
        for age in AGES_GYR:
            write_miles(tmp_path / "emiles", m_h, age)
    return tmp_path / "emiles"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Eun1.30Zm0.40T00.0631_iPp0.00_baseFe_linear_FWHM_variable.fits",
            ("E", "un1.30", -0.40, 6.31e7, "P", 0.008),
        ),
        ("Mch1.30Zp0.06T14.0000_iTp0.00_baseFe.fits", ("M", "ch1.30", 0.06, 1.4e10, "T", 0.0198)),
        ("Mun1.30Zp0.00T01.0000.fits", ("M", "un1.30", 0.0, 1e9, "P", 0.019)),
        ("Eku1.30Zp0.41T00.0063_iPp0.00_baseFe.ascii", ("E", "ku1.30", 0.41, 6.3e6, "P", 0.05)),
        ("Ebi1.30Zm2.27T00.0300_iTp0.00_baseFe.fits", ("E", "bi1.30", -2.27, 3e7, "T", 0.0001)),
    ],
)
def test_names(tmp_path, text, expected):
    name = parse_name(tmp_path / text)
    found = (name.family, name.imf, name.m_h, name.age_yr, name.isochrone, metallicity_of(name))
    assert found == expected


def test_other_files_are_not_miles(tmp_path):
    assert parse_name(tmp_path / "README.txt") is None
    assert parse_name(tmp_path / "Vazdekis2012_ssp_mass_Padova00_UN_baseFe_v10.0.txt") is None


def test_directory_of_fits(folder):
    (folder / "readme.txt").write_text("not a spectrum")
    library = import_library(folder, name="mine")
    assert library.name == "mine"
    assert library.shape == (2, 2, 40)
    np.testing.assert_allclose(library.metallicity, [0.008, 0.03])
    np.testing.assert_allclose(library.age_yr, [1e8, 1e9])
    np.testing.assert_allclose(library.wave_aa, 1680.2 + 0.9 * np.arange(40))
    np.testing.assert_allclose(library.flux[0, 1], 0.96 + np.linspace(0, 1, 40), rtol=1e-6)
    assert library.imf == "unimodal 1.30 (Salpeter)"
    assert "Padova00" in library.notes
    assert np.isnan(library.ionizing_photon_rate).all()


def test_emiles_resolution(tmp_path, write_miles):
    wave_aa = 1680.2 + 0.9 * np.arange(20000)
    write_miles(tmp_path, wave_aa=wave_aa)
    library = import_library(tmp_path, format="miles")

    def at(wave):
        return np.interp(wave, library.wave_aa, library.resolution_fwhm_aa)

    assert at(2000) == 3.0
    assert at(3300) == 5.0
    assert at(5500) == 2.51
    assert at(15000) == pytest.approx(2.3548 * 15000 * 60 / 299792.458, rel=1e-4)


def test_miles_base_models_have_one_resolution(tmp_path, write_miles):
    write_miles(tmp_path, family="M")
    assert set(import_library(tmp_path).resolution_fwhm_aa) == {2.51}


def test_ascii_form_agrees_with_fits(tmp_path, write_miles):
    flux = write_miles(tmp_path / "a", suffix=".ascii")
    write_miles(tmp_path / "b")
    (ascii_file,), (fits_file,) = (list((tmp_path / sub).iterdir()) for sub in "ab")
    for found, expected in zip(read_spectrum(ascii_file), read_spectrum(fits_file), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(read_spectrum(ascii_file)[1], flux, rtol=1e-6)


@pytest.mark.parametrize("text", ["CRVAL1 = 1\nEND\n\n1 2\n3 x\n", "1 2 3\n4 5 6\n", "END\n"])
def test_ascii_without_two_columns(tmp_path, text):
    path = tmp_path / "Eun1.30Zp0.00T01.0000_iPp0.00_baseFe.ascii"
    path.write_text(text)
    with pytest.raises(LibraryError, match=r"baseFe\.ascii: expected two columns"):
        read_spectrum(path)


def test_fits_without_an_axis(tmp_path):
    from astropy.io import fits

    path = tmp_path / "Eun1.30Zp0.00T01.0000_iPp0.00_baseFe.fits"
    fits.PrimaryHDU(np.ones(5)).writeto(path)
    with pytest.raises(LibraryError, match="CRVAL1"):
        import_library(tmp_path)


def test_young_extension_stands_beside_the_old_set(folder, tmp_path, write_miles):
    for m_h in (-0.40, 0.41):
        for age in (0.0063, 0.05):
            write_miles(tmp_path / "young", m_h, age, suffix=".ascii")
    library = import_library([folder, tmp_path / "young"])
    np.testing.assert_allclose(library.metallicity, [0.008, 0.03])
    np.testing.assert_allclose(library.age_yr, [6.3e6, 5e7, 1e8, 1e9])
    assert "+0.41 (Z = 0.05) stand at Z = 0.03" in library.notes
    alone = import_library(tmp_path / "young")
    np.testing.assert_allclose(alone.metallicity, [0.008, 0.05])
    with pytest.raises(LibraryError, match="incomplete"):
        import_library([folder, tmp_path / "young"], align_young=False)


def test_missing_templates_are_listed_with_their_metallicity_and_place(folder, write_miles):
    write_miles(folder, -0.40, 2.0)
    write_miles(folder, -0.40, 4.0)
    with pytest.raises(LibraryError) as error:
        import_library(folder)
    message = str(error.value)
    assert f"incomplete MILES grid in {folder}: 2 of 8 templates are missing" in message
    assert "[M/H]=+0.22 (Z=0.03) lacks 2 ages (2.0000, 4.0000 Gyr)" in message
    assert "complete_subgrid" in message


def test_complete_subgrid_drops_the_odd_age(folder, write_miles):
    write_miles(folder, -0.40, 2.0)
    library = import_library(folder, complete_subgrid=True)
    assert library.shape[:2] == (2, 2)
    assert "Left out because incomplete: 2.0000 Gyr" in library.notes


def test_complete_subgrid_drops_the_odd_metallicity(folder, write_miles):
    write_miles(folder, -1.31, 1.0)
    for m_h in METALLICITIES:
        for age in (2.0, 4.0):
            write_miles(folder, m_h, age)
    library = import_library(folder, complete_subgrid=True)
    assert library.shape[:2] == (2, 4)
    assert "Left out because incomplete: Z=0.001" in library.notes


def test_mixed_wavelengths_name_the_files(folder, write_miles):
    for m_h in METALLICITIES:
        write_miles(folder, m_h, 2.0, wave_aa=1700.0 + 0.9 * np.arange(40))
    with pytest.raises(LibraryError, match=r"wavelength grids differ: .*T00\.1000.*T02\.0000.*splice"):
        import_library(folder)


def test_mixed_imfs_and_isochrones_need_a_choice(folder, write_miles):
    for m_h in METALLICITIES:
        for age in AGES_GYR:
            write_miles(folder, m_h, age, imf="ch1.30")
    with pytest.raises(LibraryError, match=r"files of several kinds .*choose one with the option imf"):
        import_library(folder)
    assert import_library(folder, imf="ch1.30").imf == "Chabrier 1.30"
    with pytest.raises(LibraryError, match=r"no file with imf=ku1.30"):
        import_library(folder, imf="ku1.30")
    write_miles(folder, 0.06, 1.0, isochrones="iTp0.00")
    with pytest.raises(LibraryError, match="option isochrones"):
        import_library(folder, imf="un1.30")
    basti = import_library(folder, isochrones="T")
    np.testing.assert_allclose(basti.metallicity, [0.0198])
    assert "BaSTI" in basti.notes


def test_the_same_template_twice(folder, write_miles):
    write_miles(folder, -0.40, 0.1, suffix=".ascii")
    with pytest.raises(LibraryError, match="are the same template"):
        import_library(folder)


def test_a_metallicity_that_is_not_in_the_set(tmp_path, write_miles):
    write_miles(tmp_path, 0.33, 1.0)
    with pytest.raises(LibraryError, match=r"\[M/H\] = \+0\.33 is not one of the Padova00 set"):
        import_library(tmp_path)


def test_negative_spectrum_names_the_template(folder, write_miles):
    for m_h in METALLICITIES:
        write_miles(folder, m_h, 2.0, flux=np.linspace(1, -0.1, 40))
    with pytest.raises(LibraryError, match=r"negative .* Z=0.008, 2 Gyr at"):
        import_library(folder)


def test_empty_directory(tmp_path):
    with pytest.raises(LibraryError, match="not a stellar library of a known form"):
        import_library(tmp_path)
    with pytest.raises(LibraryError, match="no MILES or E-MILES file"):
        import_library(tmp_path, format="miles")


def test_detection(folder):
    assert detect_format([folder]) == "miles"
