"""Readers of the template folders of MaNGA's pipeline, and their installation, on small files in the same forms."""

import dataclasses
import hashlib
import shutil
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from sfhsim import Simulator, load_recipe
from sfhsim.air import vacuum_to_air
from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import LibraryError
from sfhsim.libraries import artifacts, install
from sfhsim.libraries.catalogue import load_library
from sfhsim.libraries.importing import detect_format, import_library
from sfhsim.libraries.install import install_library
from sfhsim.libraries.light import light_at, light_ratio, ratio_in_words
from sfhsim.libraries.native import save_library
from sfhsim.recipe import recipe_to_dict
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.synthesis import synthesize_galaxy

N_PIXEL = 3000


def write_spectrum(path, flux, start, step, sres=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    primary = fits.PrimaryHDU(np.asarray(flux, dtype=np.float64))
    primary.header["CRVAL1"], primary.header["CDELT1"], primary.header["CRPIX1"] = start, step, 1
    hdus = [primary] if sres is None else [primary, fits.ImageHDU(sres, name="SRES")]
    fits.HDUList(hdus).writeto(path)


def write_m11(folder, z, age_gyr, flux=None, imf="ss"):
    flux = np.full(4367, 1e30 / age_gyr) if flux is None else flux
    write_spectrum(folder / f"M11_MILES_res2.54_imf_{imf}_age_{age_gyr:.8f}_z_{z:g}.fits", flux, 3500.0, 0.9)


def write_bpass(folder, z, log_age, flux=None, model="bin-imf135_300"):
    flux = np.full(N_PIXEL, 100.0) if flux is None else flux
    write_spectrum(folder / f"{model}-z{1000 * z:03.0f}-T{log_age:.2f}.fits", flux, 3601.0, 1.0)


def write_mastar(folder, z_h, age, flux=None, sres=2000.0, suffix=".fits.gz"):
    flux = np.linspace(0.5, 1.5, N_PIXEL) if flux is None else flux
    sres = None if sres is None else np.full(N_PIXEL, sres)
    write_spectrum(folder / f"MaStar-SSP-A{age}-Z{z_h:+.2f}{suffix}", flux, 3.5589, 1e-4, sres)


def write_miuscat(folder, m_h, age_gyr, flux=None):
    sign = "m" if m_h < 0 else "p"
    flux = np.full(4000, 1e-4) if flux is None else flux
    write_spectrum(folder / f"Iun1.30Z{sign}{abs(m_h):.2f}T{age_gyr:07.4f}.fits", flux, 3464.9, 0.9)


@pytest.mark.parametrize(
    ("vacuum_aa", "air_aa"),
    [(6564.614, 6562.801), (5008.240, 5006.843), (3728.815, 3727.756), (1900.0, 1900.0)],  # NIST, and by convention
)
def test_vacuum_to_air(vacuum_aa, air_aa):
    assert vacuum_to_air(vacuum_aa) == pytest.approx(air_aa, abs=2e-3)


def test_m11_keeps_the_ages_that_all_metallicities_have(tmp_path):
    for z, ages in ((0.02, (0.0065, 0.1, 1.0)), (0.04, (0.1, 1.0))):
        for age in ages:
            write_m11(tmp_path, z, age)
    assert detect_format([tmp_path]) == "m11_miles"
    library = import_library(tmp_path, name="mine")
    np.testing.assert_allclose(library.metallicity, [0.02, 0.04])
    np.testing.assert_allclose(library.age_yr, [1e8, 1e9])
    assert library.wave_aa[[0, -1]] == pytest.approx([3550.4, 7409.6])
    np.testing.assert_allclose(library.flux[:, 1], 1e30 / LSUN_ERG_S, rtol=1e-6)
    assert set(library.resolution_fwhm_aa) == {2.54}
    assert library.imf == "Salpeter, 0.1-100 Msun"
    assert "Ages that only some metallicities have are left out (1 of Z = 0.02)." in library.notes
    assert np.isnan(library.ionizing_photon_rate).all()


def test_m11_of_two_imfs(tmp_path):
    write_m11(tmp_path, 0.02, 1.0)
    write_m11(tmp_path, 0.02, 2.0, imf="kr")
    with pytest.raises(LibraryError, match="files of several IMFs or resolutions: kr/2.54, ss/2.54; keep one"):
        import_library(tmp_path)


def test_no_age_in_common(tmp_path):
    write_m11(tmp_path, 0.02, 1.0)
    write_m11(tmp_path, 0.04, 2.0)
    with pytest.raises(LibraryError, match=r"no age is common to the metallicities 0\.02, 0\.04"):
        import_library(tmp_path)


def test_the_same_template_twice(tmp_path):
    for folder in ("a", "b"):
        write_m11(tmp_path / folder, 0.02, 1.0)
    with pytest.raises(LibraryError, match=r"a/M11.* and .*b/M11.* are the same template: keep one"):
        import_library([tmp_path / "a", tmp_path / "b"])


def test_wavelength_grids_that_differ(tmp_path):
    write_m11(tmp_path, 0.02, 1.0)
    write_m11(tmp_path, 0.02, 2.0, flux=np.ones(4000))
    with pytest.raises(LibraryError, match="wavelength grids differ"):
        import_library(tmp_path)


@pytest.mark.parametrize("reader", ["m11_miles", "bpass", "mastar"])
def test_a_folder_without_templates(tmp_path, reader):
    with pytest.raises(LibraryError, match=r"no file named like .*\.fits.* in"):
        import_library(tmp_path, format=reader)


def test_bpass(tmp_path):
    for z in (0.008, 0.03):
        for log_age in (-1.2, 0.0):
            write_bpass(tmp_path, z, log_age, flux=np.full(N_PIXEL, 1e5 * z))
    library = import_library(tmp_path)
    np.testing.assert_allclose(library.metallicity, [0.008, 0.03])
    np.testing.assert_allclose(library.age_yr, [6.30957e7, 1e9], rtol=1e-6)
    np.testing.assert_allclose(library.wave_aa, vacuum_to_air(3601.0 + np.arange(N_PIXEL)), atol=0.01, rtol=0)
    np.testing.assert_allclose(np.diff(library.wave_aa), np.diff(library.wave_aa)[0], rtol=1e-9)
    # light is kept: the same flux in pixels that are narrower in air
    pixel_aa = np.gradient(library.wave_aa)
    np.testing.assert_allclose((library.flux[1, 0] * pixel_aa)[1:-1], 1e5 * 0.03 / 1e6, rtol=5e-5)
    assert set(library.resolution_fwhm_aa) == {1.0}
    assert library.notes.startswith("With binaries.")


def test_bpass_of_two_models(tmp_path):
    write_bpass(tmp_path, 0.02, 0.0)
    write_bpass(tmp_path, 0.02, 0.1, model="sin-imf135_300")
    with pytest.raises(LibraryError, match="files of several models: bin-imf135_300, sin-imf135_300; keep one"):
        import_library(tmp_path)


def test_mastar_takes_its_light_from_a_reference(tmp_path, make_library):
    reference = make_library(wave_aa=np.arange(500.0, 9000.0, 10.0))
    save_library(reference, tmp_path / "reference")
    vacuum_aa = 10 ** (3.5589 + 1e-4 * np.arange(N_PIXEL))
    halpha = 1.0 - 0.8 * np.exp(-0.5 * ((vacuum_aa - 6564.614) / 2.0) ** 2)
    for z_h in (-0.33, 0.0):
        for age in ("00.003", "00.032", "01.000"):
            write_mastar(tmp_path / "files", z_h, age, flux=halpha)
    library = import_library(tmp_path / "files", reference=str(tmp_path / "reference.ssplib"))
    np.testing.assert_allclose(library.metallicity, [0.01, 0.02])
    np.testing.assert_allclose(library.age_yr, [3.16228e6, 3.162278e7, 1e9])  # as the folder's README says
    np.testing.assert_allclose(library.age_edges_yr, [0.0, 1e7, 1.77828e8, 1.4841886e9], rtol=1e-5)
    np.testing.assert_allclose(np.diff(library.wave_aa), 0.8)
    np.testing.assert_allclose(library.resolution_fwhm_aa, library.wave_aa / 2000.0)
    np.testing.assert_allclose(light_ratio(library, reference), 1.0, rtol=1e-5)
    halpha = 1.0 - 0.8 * np.exp(-0.5 * ((library.wave_aa - 6562.801) / 2.0) ** 2)
    np.testing.assert_allclose(library.flux[0, 0] / library.flux[0, 0, 0], halpha, atol=3e-3)
    assert "each is scaled to the light of mini over 5000-6000 A" in library.notes


def test_mastar_of_an_unknown_metallicity(tmp_path):
    write_mastar(tmp_path, -2.0, "01.000")
    with pytest.raises(LibraryError, match=r"\[Z/H\] = -2\.00 is not one of the MaStar SSPs: -1\.35"):
        import_library(tmp_path)


@pytest.mark.parametrize(
    ("sres", "said"), [(None, "has no extension SRES of 3000"), (1500.0, "has another resolution")]
)
def test_mastar_resolution(tmp_path, sres, said):
    write_mastar(tmp_path, 0.0, "01.000")
    write_mastar(tmp_path, 0.0, "03.000", sres=sres)
    with pytest.raises(LibraryError, match=said):
        import_library(tmp_path)


def test_light_per_msun(make_library):
    reference = make_library()
    twice = make_library(age_yr=[1e6, 1e8, 1e9, 2e10], flux=np.ones((3, 4, 850), np.float32))
    light = light_at(reference, reference.metallicity, reference.age_yr)
    np.testing.assert_allclose(
        light_at(reference, [0.004, 0.0056568542], [1e6])[:, 0], [light[0, 0], light[:2, 0].mean()], rtol=1e-6
    )
    ratio = light_ratio(twice, reference)
    np.testing.assert_allclose(ratio[:, 1], 1.0 / light[:, 2], rtol=1e-5)
    assert np.isnan(ratio[:, 3]).all()  # older than the reference
    words = ratio_in_words(reference, reference)
    assert "over that of mini at the same Z and age: median 1.00, 1.00 to 1.00" in words
    assert "10 Myr: 1.00, 100 Myr: 1.00, 1 Gyr: 1.00, 10 Gyr: 1.00" in words


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A made-up wheel with every folder, pinned."""
    files = tmp_path / "files"
    for age_gyr in (0.1, 1.0, 9.0):
        write_m11(files / "m11_miles", 0.02, age_gyr, flux=np.full(4367, 4e29 / age_gyr))
        write_bpass(files / "bpass", 0.02, np.log10(age_gyr))
        write_mastar(files / "mastar_ssp_v1.0", 0.0, f"{age_gyr:06.3f}")
        write_miuscat(files / "miuscat", 0.0, age_gyr, flux=np.full(7000, 1e-4 / age_gyr))
    write_m11(files / "m11_elodie", 0.02, 13.0)
    path = tmp_path / artifacts.MANGADAP.filename
    with zipfile.ZipFile(path, "w") as archive:
        for file in files.rglob("*.fits*"):
            archive.write(file, install.MANGADAP_FOLDER + str(file.relative_to(files)))
        archive.writestr("mangadap/__init__.py", "raise SystemExit('imported')")
    pinned = dataclasses.replace(artifacts.MANGADAP, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(install, "MANGADAP", pinned)
    return path


@pytest.mark.parametrize(
    ("name", "n_wave", "licence", "note"),
    [
        (
            "m11-miles",
            4289,
            "none stated with the files by Maraston & Stromback",
            "Msun formed over that of bc03-miles",
        ),
        ("bpass", N_PIXEL, "none stated with the files by the BPASS team", "Msun formed over that of bc03-miles"),
        ("mastar-ssp", 4503, "none stated with the files by Maraston et al.", "scaled to the light of bc03-miles"),
        ("miuscat", 6611, "non-commercial", "Trimmed to 3480-9430 A. Light over 5000-6000 A per Msun formed"),
    ],
)
def test_installation(home, wheel, name, n_wave, licence, note):
    install_library(name, artifact=wheel)
    library = load_library(name)
    assert library.shape == (1, 3, n_wave)
    assert library.name == name
    assert library.source.startswith("sdss-mangadap==4.5.0, mangadap/data/spectral_templates/")
    assert licence in library.licence
    assert note in library.notes
    assert library.citation
    assert [entry.name for entry in (home / "libraries").iterdir()] == [f"{name}.ssplib"]


@pytest.mark.parametrize(("name", "fwhm_aa"), [("m11-miles", 2.54), ("bpass", 2.5), ("miuscat", 2.51)])
def test_young_stars_below(home, wheel, monkeypatch, name, fwhm_aa):
    monkeypatch.setenv("SFHSIM_ARTIFACTS", str(wheel.parent))
    install_library(f"{name}-spliced")
    library = load_library(f"{name}-spliced")
    assert library.age_yr[0] == 1e5
    assert library.age_yr[-3:] == pytest.approx([1e8, 1e9, 9e9], rel=0.01)
    assert set(library.resolution_fwhm_aa) == {fwhm_aa}
    assert (library.ionizing_photon_rate[:, 0] > 1e45).all()


REAL = {
    "m11-miles": ((3, 25, 4289), (0.6, 1.05), 0.88),
    "mastar-ssp": ((6, 9, 8411), (0.999, 1.001), 1.0),
    "bpass": ((3, 24, 6799), (0.8, 1.6), 1.15),
    "miuscat": ((4, 50, 6611), (0.6, 1.0), 0.77),
}


@pytest.fixture(scope="session")
def mangadap_wheel(download_cache):
    """The real wheel, downloaded once."""
    path = download_cache / "artifacts" / artifacts.MANGADAP.filename
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with artifacts.obtain(artifacts.MANGADAP, None, path.parent, print) as downloaded:
            shutil.copyfile(downloaded, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
    return path


@pytest.mark.download
@pytest.mark.parametrize("name", REAL)
def test_the_real_ones(mangadap_wheel, home, name):
    install_library(name, artifact=mangadap_wheel)
    library, reference = load_library(name), load_library("bc03-miles")
    shape, (low, high), median = REAL[name]
    assert library.shape == shape
    ratio = light_ratio(library, reference)
    assert np.nanmin(ratio) > low
    assert np.nanmax(ratio) < high
    assert np.nanmedian(ratio) == pytest.approx(median, abs=0.005)
    if name != "mastar-ssp":
        assert f"median {median:.2f}" in library.notes
    assert np.isnan(library.ionizing_photon_rate).all()
    # Wavelengths are in air: the trough of NaI D of old, metal-rich stars is between 5890 and 5896 A.
    window = (library.wave_aa > 5880) & (library.wave_aa < 5906)
    old = library.flux[-1, int(np.argmin(np.abs(library.age_yr - 9e9)))][window]
    depth = 1.0 - old / old.max()
    assert np.average(library.wave_aa[window], weights=depth**2) == pytest.approx(5892.9, abs=0.6)


def test_a_noisy_spectrum_that_nearly_touches_zero_stays_positive(tmp_path, make_library):
    save_library(make_library(), tmp_path / "reference")
    flux = np.ones(N_PIXEL)
    flux[1000] = 1e-3
    write_mastar(tmp_path / "files", 0.0, "01.000", flux=flux)
    write_mastar(tmp_path / "files", 0.0, "03.000", flux=flux)
    library = import_library(tmp_path / "files", reference=str(tmp_path / "reference.ssplib"))
    assert library.flux.min() >= 0


@pytest.mark.download
@pytest.mark.filterwarnings("ignore::sfhsim.errors.SfhsimWarning")
@pytest.mark.parametrize("name", [*REAL, "m11-miles-spliced", "bpass-spliced", "miuscat-spliced"])
def test_galaxies_on_the_real_ones(mangadap_wheel, home, name):
    """Compiled galaxies with motions of their own are those of the readable path; bands out of reach are missing."""
    install_library(name, artifact=mangadap_wheel)
    content = recipe_to_dict(load_recipe("demo")) | {"library": name, "noise": {"model": "none"}}
    content["kinematics"] = {
        "velocity_dispersion_kms": {"distribution": "uniform", "min": 20.0, "max": 300.0},
        "redshift": {"distribution": "uniform", "min": 0.0, "max": 0.02},
    }
    content["photometry"]["missing"] = "allow"
    recipe = recipe_from_dict(content)
    simulator = Simulator(recipe, load_library(name), seed=3)
    batch = simulator.batch(np.arange(4))
    for i in range(4):
        draws = simulator.plan.draw(np.array([i]), 3)
        galaxy = synthesize_galaxy(recipe, library=simulator.library, draws=draws)
        expected = galaxy.observe(recipe) * simulator.flux_scale(draws)[0] / draws.values["total_mass_msun"][0]
        assert np.sqrt(np.mean((batch.noise_free_spectrum[i] / expected - 1) ** 2)) <= 5e-4
    missing = np.array([band.get("missing", False) for band in simulator.dimensions()["band"]])
    assert missing[:2].all()  # in the ultraviolet
    assert not missing[2]
    assert (np.isnan(batch.photometry) == missing).all()
    glows = name == "mastar-ssp" or name.endswith("-spliced")
    assert simulator.light.nebular.glows == glows
