"""Air and vacuum, units, sky windows, and wavelengths of FITS headers."""

import types

import numpy as np
import pytest
from astropy.io import fits

from sfhmodel.errors import InputError
from sfhmodel.spectra.fits_axis import spectral_axis
from sfhmodel.spectra.sky import in_sky_window, sky_windows
from sfhmodel.spectra.uncertainties import to_error
from sfhmodel.spectra.units import looks_like, per_angstrom_factor, to_angstrom
from sfhsim.air import air_to_vacuum, refractive_index, vacuum_to_air

# vacuum and air wavelengths of strong lines as SDSS tabulates them, https://classic.sdss.org/dr7/products/spectra/vacwavelength.php
LINES_AA = {"H-beta": (4862.721, 4861.363), "[O III]": (5008.239, 5006.843), "H-alpha": (6564.614, 6562.801)}


@pytest.mark.parametrize("line", LINES_AA)
def test_published_lines_in_air(line):
    vacuum, air = LINES_AA[line]
    assert vacuum_to_air(vacuum) == pytest.approx(air, abs=0.02)
    assert air_to_vacuum(air) == pytest.approx(vacuum, abs=0.02)


def test_refractive_index_of_ciddor_1996():
    sigma2 = (1e4 / np.array([3500.0, 5000.0, 9000.0])) ** 2
    ciddor = 1.0 + 5.792105e-2 / (238.0185 - sigma2) + 1.67917e-3 / (57.362 - sigma2)
    np.testing.assert_allclose(refractive_index(1e4 / np.sqrt(sigma2)), ciddor, rtol=0, atol=2e-8)


def test_there_and_back():
    wave_aa = np.geomspace(2100.0, 25000.0, 200)
    np.testing.assert_allclose(vacuum_to_air(air_to_vacuum(wave_aa)), wave_aa, rtol=1e-12)


def test_far_ultraviolet_stays_in_vacuum():
    np.testing.assert_array_equal(vacuum_to_air([1215.67, 1999.0]), [1215.67, 1999.0])


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([500.0], "nm", [5000.0]),
        ([0.5], "um", [5000.0]),
        ([0.5], "micron", [5000.0]),
        ([5e-7], "m", [5000.0]),
        ([np.log10(5000.0)], "log10", [5000.0]),
        ([np.log(5000.0)], "ln", [5000.0]),
        ([np.log10(5000.0)], "log10(Angstrom)", [5000.0]),
        ([np.log10(500.0)], "dex(nm)", [5000.0]),
        ([5000.0], "Angstrom", [5000.0]),
        ([5000.0], "", [5000.0]),
        ([5000.0], None, [5000.0]),
    ],
)
def test_units_of_wavelengths(values, unit, expected):
    np.testing.assert_allclose(to_angstrom(values, unit), expected, rtol=1e-12)


@pytest.mark.parametrize("unit", ["Jy", "parrots", "km/s"])
def test_what_is_no_length_is_refused(unit):
    with pytest.raises(InputError, match=f"{unit}.*--wave-unit"):
        to_angstrom([1.0], unit)


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [(480.0, 700.0, "nm"), (0.48, 0.7, "um"), (3.58, 3.96, "log10"), (8.2, 9.1, "ln"), (4.8e-7, 7e-7, "m")],
)
def test_other_units_are_recognised(low, high, unit):
    assert looks_like(low, high, 4800.0, 7000.0)[1] == unit


@pytest.mark.parametrize(("low", "high"), [(3800.0, 9200.0), (10500.0, 24000.0), (1e-30, 1e-29)])
def test_right_and_hopeless_units_are_left_alone(low, high):
    assert looks_like(low, high, 4800.0, 7000.0) is None


def test_errors_of_variances():
    np.testing.assert_array_equal(to_error([4.0, 0.0, -1.0, np.nan], "variance"), [2.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(to_error([0.25, 0.0, -1.0], "inverse_variance"), [2.0, np.nan, np.nan])
    np.testing.assert_array_equal(to_error([2.0, -1.0], "error"), [2.0, -1.0])


def test_flux_per_frequency_becomes_flux_per_wavelength():
    wave_aa = np.array([4000.0, 8000.0])
    factor = per_angstrom_factor("Jy", wave_aa)
    assert factor[0] / factor[1] == pytest.approx(4.0)
    for unit, expected in ((None, 1.0), ("", 1.0), ("erg / (s cm2 Angstrom)", 1.0), ("W/m2/um", 0.1)):
        assert per_angstrom_factor(unit, wave_aa) == pytest.approx(expected)


def test_sky_windows():
    names = [name for name, _, _ in sky_windows()]
    assert len(set(names)) == len(names)
    assert all(low < high for _, low, high in sky_windows())
    np.testing.assert_array_equal(
        in_sky_window([5577.3, 6300.0, 6900.0, 7650.0, 5500.0, 6563.0]), [True, True, True, True, False, False]
    )


def axis_of(cards):
    return spectral_axis(types.SimpleNamespace(header=cards), None, "HDU 0")


def header(**cards):
    return fits.Header({"NAXIS": 1, "NAXIS1": 4, **cards})


@pytest.mark.parametrize(
    ("cards", "expected", "medium"),
    [
        ({"CRVAL1": 4800.0, "CDELT1": 2.0}, [4800.0, 4802.0, 4804.0, 4806.0], None),
        ({"CRVAL1": 4800.0, "CD1_1": 2.0, "CRPIX1": 2.0}, [4798.0, 4800.0, 4802.0, 4804.0], None),
        ({"CRVAL1": 4800.0, "CD1_1": 2.0, "CTYPE1": "AWAV"}, [4800.0, 4802.0, 4804.0, 4806.0], "air"),
        ({"CRVAL1": 480.0, "CDELT1": 0.2, "CUNIT1": "nm", "CTYPE1": "WAVE"}, [4800, 4802, 4804, 4806], "vacuum"),
        (
            {"CRVAL1": 4.8e-7, "CDELT1": 1.0, "PC1_1": 2e-10, "CUNIT1": "m", "CTYPE1": "AWAV"},
            [4800, 4802, 4804, 4806],
            "air",
        ),
        ({"CRVAL1": 4800.0, "CDELT1": 4.0, "PC1_1": 0.5, "CUNIT1": "Angstroms"}, [4800, 4802, 4804, 4806], None),
        (
            {"CRVAL1": 6e14, "CDELT1": -1e14, "CTYPE1": "FREQ"},
            2.99792458e18 / np.array([6e14, 5e14, 4e14, 3e14]),
            "vacuum",
        ),
        ({"CRVAL1": 0.0, "CDELT1": 0.1, "CTYPE1": "ZOPT", "RESTWAV": 5e-7}, [5000.0, 5500.0, 6000.0, 6500.0], "vacuum"),
        ({"CRVAL1": 3.7, "CDELT1": 0.1, "DC-FLAG": 1}, 10 ** np.array([3.7, 3.8, 3.9, 4.0]), None),
        ({"CRVAL1": 3.7, "CDELT1": 0.1, "CTYPE1": "WAVE-LOG10"}, 10 ** np.array([3.7, 3.8, 3.9, 4.0]), "vacuum"),
        (
            {"CRVAL1": 5000.0, "CDELT1": 50.0, "CTYPE1": "WAVE-LOG", "CUNIT1": "Angstrom"},
            5000.0 * np.exp(np.array([0.0, 0.01, 0.02, 0.03])),
            "vacuum",
        ),
    ],
)
def test_axes_of_headers(cards, expected, medium):
    axis = axis_of(header(**cards))
    np.testing.assert_allclose(to_angstrom(axis.wave.values, axis.wave.unit), expected, rtol=1e-12)
    assert axis.medium == medium


def test_logarithmic_axis_is_that_of_astropy():
    from astropy.wcs import WCS

    cards = header(CRVAL1=5000.0, CDELT1=50.0, CRPIX1=2.0, CTYPE1="AWAV-LOG", CUNIT1="Angstrom")
    metres = WCS(cards).all_pix2world(np.arange(4), 0)[0]
    np.testing.assert_allclose(axis_of(cards).wave.values, 1e10 * metres, rtol=1e-10)


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({"CRVAL1": 4800.0}, "no CRVAL1 with CDELT1, CD1_1 or PC1_1"),
        ({"CDELT1": 1.0}, "no CRVAL1"),
        ({"CRVAL1": 4800.0, "CDELT1": 0.0}, "step of axis 1 is 0"),
        ({"CRVAL1": 5e3, "CDELT1": 1.0, "CTYPE1": "VOPT", "CUNIT1": "km/s"}, "no RESTWAV or RESTFRQ"),
    ],
)
def test_axes_that_are_not_understood(cards, words):
    with pytest.raises(InputError, match=words):
        axis_of(header(**cards))
