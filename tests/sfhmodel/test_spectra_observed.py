"""Real files of many makers: right wavelengths, units, errors and redshifts, or refused for a reason that is stated."""

import numpy as np
import pytest

from sfhmodel.errors import InputError
from sfhmodel.spectra import ReadOptions, read_spectra

pytestmark = pytest.mark.reference_data

# file: first and last wavelength [A], medium, redshift, number of spectra, S/N per pixel (None: no errors)
READ = {
    "NGC1796_MUSE_spec.dat": ((4700.0, 9350.0), "air", None, 1, 110.8),
    "spec-0266-51602-0001.fits": ((3806.27, 9202.38), "vacuum", 0.0212755, 1, 38.0),
    "NGC4636_SDSS_DR12.fits": ((3808.90, 9215.10), "vacuum", 0.0030251, 1, 50.4),
    "NGC3073_SDSS_DR18.fits": ((3795.77, 9204.50), "vacuum", 0.0037627, 1, 52.5),
    "NGC4550_SAURON.fits": ((4824.6, 5280.0), "air", None, 1, None),
    "NGC1600_VIS_dopcor.fits": ((5254.56, 10043.19), "air", 0.0, 1, None),
    "NGC0897_VIS_dopcor.fits": ((5254.26, 10042.63), "air", 0.0, 1, None),
    "manga_onedspec.fits": ((3600.0, 10400.0), "vacuum", 0.0, 1, 32.5),
    "SHOC579_SDSS_dr18.fits": ((3786.17, 9187.56), "vacuum", 0.0472323, 1, 21.7),
    "SHOC579_MANGA38-35.txt.gz": ((3621.60, 10353.81), "air", None, 1, 30.4),
    "legac_M19_56670_v3.0.fits": ((5800.3, 9499.3), "air", None, 1, 47.4),
    "coadd-4-80613-thru20210324.fits": ((3600.0, 9824.0), "vacuum", 0.3687436, 1, 5.2),
    "IZW18_isis.fits": ((4328.27, 7469.88), "air", None, 2, None),
    "cubes/abell478_bcg_muse_crop20.fits": ((4749.89, 9349.89), "air", None, 1, 93.9),
    "cubes/mrk1239_pmas_HE0949-0122.fits.gz": ((4900.0, 7160.8), "air", None, 1, 108.5),
    "resolved/ngist_ngc0000/nGIST_NGC0000_BinSpectra.fits": ((4800.8, 5499.6), "air", None, 28, 247.0),
    "resolved/ngist_ngc0000/nGIST_NGC0000_BinSpectra_linear.fits": ((4800.86, 5499.73), "air", None, 28, 248.0),
    "resolved/ngc5806_tng_lrs/line26.fits": ((4747.79, 6741.40), "air", 0.00449, 1, None),
}
REFUSED = {
    "cubes/ngc3081_gmos_ifu.fits": "the errors of HDU ERR give a S/N of .* --error-is",
    "resolved/manga-8080-12701-MAPS-VOR10-GAU-MILESHC.fits.gz": "HDU SPX_SKYCOO: .*a file of maps",
    "redrock-4-80613-thru20210324.fits": "cannot tell",
    "resolved/ngist_ngc0000/nGIST_NGC0000_kin.fits": "cannot tell the column",
    "resolved/ngist_ngc0000/nGIST_NGC0000_mask.fits": "cannot tell the column",
    "resolved/ngist_ngc0000/nGIST_NGC0000_sfh.fits": "no spectrum",
    "resolved/ngist_ngc0000/nGIST_NGC0000_sfh-weights.fits": "cannot tell the column",
    "resolved/ngist_ngc0000/nGIST_NGC0000_table.fits": "cannot tell the column",
    "resolved/ngist_ngc0000/nGIST_CONFIG": "no table of numbers",
    "README.md": "no table of numbers",
}


@pytest.mark.parametrize("name", READ)
def test_real_spectra(reference_data, name):
    wave_range, medium, redshift, n, signal_to_noise = READ[name]
    spectra = read_spectra(reference_data / "observed" / name)
    assert len(spectra) == n
    first = spectra[0]
    assert first.wave_aa[[0, -1]] == pytest.approx(wave_range, abs=0.02)
    assert first.medium == medium
    assert first.redshift == (None if redshift is None else pytest.approx(redshift, abs=1e-6))
    if signal_to_noise is None:
        assert first.flux_error is None
        assert any("no errors found" in note for note in first.notes)
    else:
        known = first.flux_error > 0.0
        ratio = np.abs(first.flux[known]) / first.flux_error[known]
        assert np.nanmedian(ratio) == pytest.approx(signal_to_noise, rel=0.01)


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_refused(reference_data, name):
    with pytest.raises(InputError, match=REFUSED[name]) as refusal:
        read_spectra(reference_data / "observed" / name)
    assert name in str(refusal.value)


def test_every_file_is_in_one_of_the_lists(reference_data):
    folder = reference_data / "observed"
    others = {path for path in READ if "line26" in path}
    known = {folder / name for name in (*READ, *REFUSED) if name not in others}
    for path in folder.rglob("*"):
        if path.is_file() and path not in known and "reference" not in path.parts and "LOGFILE" not in path.name:
            assert path.parent.name == "ngc5806_tng_lrs", path


def test_errors_that_are_variances_when_the_user_says_so(reference_data):
    path = reference_data / "observed" / "cubes" / "ngc3081_gmos_ifu.fits"
    (spectrum,) = read_spectra(path, ReadOptions(error_is="variance"))
    assert spectrum.redshift == pytest.approx(0.007976)
    assert 10.0 < np.nanmedian(spectrum.flux / spectrum.flux_error) < 1000.0


def strongest_line_aa(spectrum, low, high):
    """Wavelength of the highest flux at rest."""
    wave_aa = spectrum.wave_aa / (1.0 + (spectrum.redshift or 0.0))
    inside = (wave_aa > low) & (wave_aa < high)
    return wave_aa[inside][np.nanargmax(spectrum.flux[inside])]


@pytest.mark.parametrize(
    ("name", "redshift", "line_aa"),
    [
        ("SHOC579_SDSS_dr18.fits", None, 5008.24),
        ("SHOC579_MANGA38-35.txt.gz", 0.0472, 5008.24),
        ("coadd-4-80613-thru20210324.fits", None, 5008.24),
        ("cubes/abell478_bcg_muse_crop20.fits", 0.088, 6562.8),
        ("cubes/mrk1239_pmas_HE0949-0122.fits.gz", 0.0199, 5006.84),
        ("IZW18_isis.fits", 0.0025, 5006.84),
    ],
)
def test_emission_lines_are_where_they_belong(reference_data, name, redshift, line_aa):
    spectrum = read_spectra(reference_data / "observed" / name, ReadOptions(redshift=redshift))[0]
    found = strongest_line_aa(spectrum, line_aa - 25.0, line_aa + 25.0)
    assert found == pytest.approx(line_aa, abs=8.0)
