import numpy as np
import pytest

from sfhsim.errors import LibraryError
from sfhsim.libraries.ssp_library import age_bin_edges_yr, detect_valid_range_aa


def test_age_bin_edges_are_midpoints():
    np.testing.assert_allclose(age_bin_edges_yr([1.0, 3.0, 7.0]), [0.0, 2.0, 5.0, 9.0])
    np.testing.assert_allclose(age_bin_edges_yr([4.0]), [0.0, 8.0])


def test_arrays_are_read_only_and_the_callers_stay_writable(make_library):
    age_yr = np.array([1e6, 1e7])
    library = make_library(age_yr=age_yr)
    for name in ("flux", "age_yr", "wave_aa", "valid_range_aa"):
        assert not getattr(library, name).flags.writeable
    age_yr[0] = 2e6
    assert library.age_yr[0] == 1e6


def test_flux_is_not_copied(make_library):
    flux = make_library().flux
    assert np.shares_memory(make_library(flux=flux).flux, flux)


def test_checksum_depends_on_content(library):
    assert library.content_checksum() == library.content_checksum()
    assert library.content_checksum() != library.replace(name="other").content_checksum()
    assert library.content_checksum() != library.replace(flux=library.flux * 2).content_checksum()


def test_replace_recomputes_what_follows(library):
    doubled = library.replace(flux=2 * library.flux)
    np.testing.assert_allclose(doubled.ionizing_photon_rate, 2 * library.ionizing_photon_rate)
    older = library.replace(age_yr=library.age_yr * 1.2)
    np.testing.assert_allclose(older.age_edges_yr, 1.2 * library.age_edges_yr)


def test_valid_range_of_zero_filled_templates(make_library):
    library = make_library()
    flux = library.flux.copy()
    flux[0, 1, library.wave_aa > 8000] = 0
    library = library.replace(flux=flux)
    assert library.valid_range_aa[0, 1, 1] == 8000
    assert library.templates_without_data(4000, 8500) == ["Z=0.004, 10 Myr"]
    assert library.templates_without_data(4000, 8000) == []
    # What the library does not cover at all is another matter.
    assert library.replace(flux=flux + 1e-5).templates_without_data(10, 1e5) == []


def test_dark_below_the_lyman_limit_is_not_missing_data():
    wave_aa = np.array([500.0, 900.0, 1000.0, 2000.0])
    ranges = detect_valid_range_aa(np.array([[0, 1.0, 1, 1], [0, 0, 1, 1]]), wave_aa)
    np.testing.assert_array_equal(ranges, [[500, 2000], [1000, 2000]])


def test_summary_is_plain(library):
    import json

    summary = json.loads(json.dumps(library.summary()))
    assert summary["n_templates"] == 15
    assert summary["ionizing_output"] is True
    assert summary["resolution_fwhm_aa_at_5500"] == 2.5
    assert library.replace(wave_aa=library.wave_aa + 6000).summary()["resolution_fwhm_aa_at_5500"] is None


def _spoilt(library, value):
    flux = library.flux.copy()
    flux[1, 2, 30] = value
    return flux


@pytest.mark.parametrize(("value", "said"), [(np.nan, "not finite"), (np.inf, "not finite"), (-1.0, "negative")])
def test_bad_spectra_name_the_template(library, value, said):
    with pytest.raises(LibraryError, match=rf"'mini': flux is {said}.*Z=0.008, 100 Myr at 800.00 A"):
        library.replace(flux=_spoilt(library, value))


def test_empty_template(library):
    flux = library.flux.copy()
    flux[2, 0] = 0
    with pytest.raises(LibraryError, match=r"Z=0.02, 1 Myr is 0 at every wavelength"):
        library.replace(flux=flux)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("wave_aa", lambda x: x[::-1], r"strictly increasing: wave_aa\[0\] = 8990 is followed by 8980"),
        ("wave_aa", lambda x: x / 10, "runs from 50 to 899: this looks like nm|strictly"),
        ("wave_aa", lambda x: x / 1e4, "looks like micron; expected Angstrom"),
        ("wave_aa", lambda x: x - 600, "must be positive"),
        ("age_yr", lambda x: x / 1e9, "looks like Gyr; expected yr"),
        ("age_yr", lambda x: x / 1e6, "looks like Myr; expected yr"),
        ("age_yr", np.log10, r"looks like log10\(age/yr\); expected yr"),
        ("age_yr", lambda x: np.log10(x / 1e9), "looks like log10 of an age; expected yr"),
        ("age_yr", lambda x: x * 3e7, "is it in seconds"),
        ("age_yr", lambda x: x - 1e6, r"must be positive, in yr \(drop the age-0 template\)"),
        ("age_yr", lambda x: np.where(x == 1e8, np.nan, x), r"age_yr\[2\] is nan"),
        ("age_yr", lambda x: np.maximum(x, 1e7), r"strictly increasing: age_yr\[0\]"),
        ("metallicity", lambda x: x / 0.02 * 2, r"metallicity\[2\] = 2 is out of range.*solar units"),
        ("metallicity", lambda x: np.log10(x / 0.02), r"out of range.*looks? like \[M/H\]"),
        ("metallicity", lambda x: x[:2], "flux has shape"),
        ("resolution_fwhm_aa", lambda x: -x, "finite and >= 0 Angstrom"),
        ("resolution_fwhm_aa", lambda x: x[1:], "resolution_fwhm_aa has shape"),
        ("age_edges_yr", lambda x: x * 3, "must lie inside its bin"),
    ],
)
def test_bad_axes(library, name, change, message):
    changes = {name: change(np.array(getattr(library, name)))}
    if name == "wave_aa" and changes[name][0] == 50:
        changes[name] = changes[name] + 100  # 150-999 nm
        message = "this looks like nm; expected Angstrom"
    with pytest.raises(LibraryError, match=message):
        library.replace(**changes)


def test_emiles_in_nm(library):
    wave_nm = np.linspace(168.02, 4999.94, library.wave_aa.size * 100)
    flux = np.ones((3, 5, wave_nm.size), dtype=np.float32)
    with pytest.raises(LibraryError, match="looks like nm"):
        library.replace(wave_aa=wave_nm, flux=flux, resolution_fwhm_aa=np.zeros(wave_nm.size))


def test_loading_may_skip_the_checks(make_library):
    assert make_library(metallicity=[0.2, 0.4, 1.0], validate=False).metallicity[2] == 1.0
