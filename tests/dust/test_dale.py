"""Dale et al. (2014): the published layout is read, starlight taken off, energy kept; the numbers are made up."""

import numpy as np
import pytest
from miniature import infrared_library, miniature_recipe
from typer.testing import CliRunner

from sfhsim import Simulator
from sfhsim.cli.main import app
from sfhsim.dust import dust_spectrum, get_dust_emission
from sfhsim.dust.dale import load_tables
from sfhsim.dust.dale_install import install_dale, starlight
from sfhsim.errors import LibraryError, MissingDataError
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.synthesis import synthesize_galaxy

WAVE_UM = np.geomspace(1.0, 2.0e4, 700)
ALPHA = 0.0625 * np.arange(1, 65)
BANDS = ("HST/WFC3_UVIS.F814W", "JWST/MIRI.F770W", "JWST/MIRI.F2100W")


def dust_f_lambda():
    """(64, m) black bodies that cool with alpha_SF, per um, in arbitrary units."""
    kelvin = 80.0 - 15.0 * ALPHA[:, None]
    return 1e12 * WAVE_UM**-6 / np.expm1(np.minimum(1.4387769e4 / (WAVE_UM * kelvin), 600.0))


def write_published(file, stars=1.0, columns=64, change=lambda table: table):
    """The layout of spectra.0.00AGN.dat; starlight as bright at 1.5 um as ``stars`` times the peak of the dust."""
    dust = dust_f_lambda()
    light = starlight(WAVE_UM * 1e4)
    light = stars * light / np.interp(1.5, WAVE_UM, light) * dust.max(axis=1, keepdims=True)
    nu_f_nu = np.maximum(WAVE_UM * (dust + light), 1e-80)
    table = np.column_stack([WAVE_UM, np.log10(nu_f_nu).T[:, :columns]])
    np.savetxt(file, change(table), fmt="%.8e")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def installed(home):
    write_published(home / "spectra.0.00AGN.dat")
    install_dale(home)
    return home


@pytest.mark.parametrize("stars", [1.0, 1e-3, 30.0])
def test_templates_are_the_dust_alone_and_emit_one_lsun(home, stars):
    write_published(home / "spectra.0.00AGN.dat", stars=stars)
    install_dale(home / "spectra.0.00AGN.dat")
    tables = load_tables()
    np.testing.assert_allclose(np.trapezoid(tables.templates, tables.wave_aa, axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(tables.alpha_sf, ALPHA)
    dust = dust_f_lambda()
    dust /= np.trapezoid(dust, WAVE_UM * 1e4, axis=1)[:, None]
    expected = dust[:, WAVE_UM.size - tables.wave_aa.size :]
    bright = expected > 1e-3 * expected.max(axis=1, keepdims=True)
    np.testing.assert_allclose(tables.templates[bright], expected[bright], rtol=1e-5)
    assert tables.templates[:, 0].max() == 0.0
    assert tables.wave_aa[0] < 2.0e4 <= tables.wave_aa[1]


def test_between_templates_spectra_are_means(installed):
    tables, middle = load_tables(), 0.5 * (ALPHA[10] + ALPHA[11])
    spectra = dust_spectrum("dale_2014", {"alpha_sf": np.array([ALPHA[10], middle, 4.0])})
    np.testing.assert_allclose(spectra[0], tables.templates[10], rtol=1e-12)
    np.testing.assert_allclose(spectra[1], tables.templates[10:12].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spectra[2], tables.templates[-1], rtol=1e-12)


def test_small_alpha_is_warm(installed):
    wave_aa = get_dust_emission("dale_2014").wave_aa
    peaks = wave_aa[dust_spectrum("dale_2014", {"alpha_sf": np.array([1.0, 2.0, 3.0])}).argmax(axis=1)]
    assert (np.diff(peaks) > 0).all()


def test_what_dust_absorbs_comes_out_again_in_both_paths(installed):
    content = miniature_recipe(photometry={"filters": list(BANDS), "error_mag": 0.0})
    alpha = {"distribution": "uniform", "min": 1.0, "max": 3.0}
    content["dust"]["emission"] = {"model": "dale_2014", "parameters": {"alpha_sf": alpha}}
    recipe, library = recipe_from_dict(content), infrared_library()
    simulator = Simulator(recipe, library, basis_tolerance=0.0)
    batch = simulator.batch(range(4))
    values = dict(zip([entry["name"] for entry in simulator.truths.entries], batch.truth.T, strict=True))
    assert ((values["dust.emission.alpha_sf"] >= 1.0) & (values["dust.emission.alpha_sf"] <= 3.0)).all()
    for i in range(2):
        galaxy = synthesize_galaxy(recipe, i, library=library)
        energy = galaxy.energy_lsun()
        absorbed = energy["absorbed_birth"] + energy["absorbed_screen"]
        assert energy["reemitted"] == pytest.approx(absorbed, rel=2e-3)
        assert values["dust_luminosity_lsun"][i] == pytest.approx(absorbed, rel=1e-3)


def test_without_the_templates_it_is_said_how_to_get_them(home):
    content = miniature_recipe()
    content["dust"]["emission"] = {"model": "dale_2014"}
    recipe = recipe_from_dict(content)
    with pytest.raises(MissingDataError, match=r"spectra\.0\.00AGN\.dat .*`sfhsim dust install dale_2014 --from FILE`"):
        Simulator(recipe, infrared_library())
    outcome = CliRunner().invoke(app, ["dust", "list"])
    assert "dale_2014                missing  alpha_sf" in outcome.output
    assert "draine_li_2007           ready    q_pah_percent, u_min, gamma; 1-1000 um" in outcome.output


def test_the_command(home):
    write_published(home / "spectra.0.00AGN.dat")
    outcome = CliRunner().invoke(app, ["dust", "install", "dale_2014", "--from", str(home)])
    assert outcome.exit_code == 0, outcome.output
    assert "dale_2014.npz" in outcome.output.replace("\n", "")
    assert "dale_2014                ready    alpha_sf" in CliRunner().invoke(app, ["dust", "list"]).output
    assert CliRunner().invoke(app, ["dust", "install", "dale", "--from", str(home)]).exit_code == 2


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"columns": 60}, "has 700 rows of 61 columns: the templates of Dale"),
        ({"change": lambda t: t[::-1]}, "wavelengths must increase, and every number be finite"),
        ({"change": lambda t: np.where(np.arange(65) == 3, np.nan, t)}, "every number be finite"),
        ({"change": lambda t: t * np.where(np.arange(65) == 0, 1e4, 1.0)}, "wavelengths must be in um"),
        ({"change": lambda t: np.where(np.arange(65) > 0, 1e3 * t, t)}, "spectra must be log10 of nu F_nu"),
        ({"change": lambda t: t[:50]}, "has 50 rows of 65 columns"),
    ],
)
def test_other_files_are_refused_and_leave_nothing(home, how, message):
    write_published(home / "spectra.0.00AGN.dat", **how)
    with pytest.raises(LibraryError, match=message):
        install_dale(home)
    assert not (home / "home").exists()


def test_files_that_are_not_there_or_damaged(installed):
    with pytest.raises(MissingDataError, match=r"nowhere not found: --from takes spectra\.0\.00AGN\.dat"):
        install_dale(installed / "nowhere")
    (installed / "words.dat").write_text("no numbers here\n")
    with pytest.raises(LibraryError, match="cannot be read as templates"):
        install_dale(installed / "words.dat")
    load_tables()
    (installed / "home" / "dust" / "dale_2014.npz").write_bytes(b"damaged")
    with pytest.raises(LibraryError, match=r"dale_2014\.npz cannot be read .*makes it anew"):
        load_tables()
