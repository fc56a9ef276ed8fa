"""The house of sources and detectors: one of your own in a few lines, and what dust absorbs."""

import numpy as np
import pytest
from miniature import miniature_library, miniature_recipe
from test_simulator_against_galaxy import DRAWN

from sfhsim import elementary
from sfhsim.errors import DatasetError, RecipeError
from sfhsim.histories.parameters import Parameter
from sfhsim.instrument import rebin_operator
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.sources import SOURCES, EmissionSource, register_source
from sfhsim.synthesis import Simulator, synthesize_galaxy
from sfhsim.synthesis.compiled_recipe import CompiledRecipe
from sfhsim.synthesis.detectors import Detectors, Panel, ReferenceBand
from sfhsim.synthesis.fingerprint import family_code
from sfhsim.synthesis.light import LightModel


class Glow(EmissionSource):
    """All that dust absorbs, re-emitted in one broad hump, with features between the library's pixels."""

    name, dust, needs_absorbed = "glow", "none", True
    parameters = (Parameter("factor", "", "re-emitted over absorbed", 1.0, 0.0, 10.0),)
    wave_aa = np.arange(15000.0, 17000.0, 4.0)

    def templates(self, wave_aa):
        return elementary.exp(-0.5 * ((wave_aa[None, :] - 16000.0) / 150.0) ** 2) / (150.0 * np.sqrt(2 * np.pi))

    def amplitudes(self, params, surroundings):
        absorbed = surroundings.absorbed_birth_lsun + surroundings.absorbed_screen_lsun
        return (params["factor"] * absorbed)[:, None]


@pytest.fixture
def glow():
    yield register_source(Glow())
    SOURCES._items.pop("glow")


def uniform(low, high):
    return {"distribution": "uniform", "min": low, "max": high}


BUMP = {"law": "power_law_bump", "tau": uniform(0.0, 3.0), "parameters": {"bump_strength": uniform(0.0, 4.0)}}
RECIPES = {
    "small": {},
    "drawn laws": {"dust": {"birth": {**BUMP, "law": "power_law", "parameters": {"exponent": -1.3}}, "screen": BUMP}},
    "calzetti": {"dust": {"birth": {"law": "calzetti", "tau": 1.0}, "screen": {"law": "calzetti", "tau": 2.0}}},
    "thin": {"dust": {"birth": {"law": "power_law", "tau": 1e-4}, "screen": {"law": "power_law", "tau": 1e-4}}},
    "drawn kinematics": {"kinematics": DRAWN},
    "no gas": {"nebular": {"model": "none"}},
}


def energies(simulator, library, n=4):
    """Emitted and absorbed energies (n, 3), compiled and as they are read."""
    draws = simulator.plan.draw(np.arange(n), simulator.seed)
    found = simulator.light.evaluate(draws, simulator.populations.evaluate(draws)).energy
    mass = draws.values["total_mass_msun"][:, None]
    compiled = mass * np.stack([found.emitted_lsun, found.absorbed_birth_lsun, found.absorbed_screen_lsun], axis=1)
    names = "emitted", "absorbed_birth", "absorbed_screen"
    galaxies = [synthesize_galaxy(simulator.recipe, i, simulator.seed, library) for i in range(n)]
    return compiled, np.array([[g.energy_lsun()[name] for name in names] for g in galaxies]), galaxies


@pytest.mark.usefixtures("glow")
@pytest.mark.parametrize("name", RECIPES)
def test_absorbed_energy_is_that_of_the_readable_path(make_simulator, library, name):
    simulator = make_simulator(basis_tolerance=0.0, sources={"glow": {}}, **RECIPES[name])
    compiled, read, galaxies = energies(simulator, library)
    np.testing.assert_allclose(compiled, read, rtol=5e-6 if name == "calzetti" else 1e-6)
    for galaxy in galaxies:
        energy = galaxy.energy_lsun()
        absorbed = energy["absorbed_birth"] + energy["absorbed_screen"]
        assert energy["reemitted"] == pytest.approx(absorbed, rel=1e-6)
        assert energy["attenuated"] + absorbed == pytest.approx(energy["emitted"], rel=1e-9)


@pytest.mark.usefixtures("glow")
def test_absorbed_energy_within_the_tolerance_of_the_basis(make_simulator, library):
    compiled, read, _ = energies(make_simulator(sources={"glow": {}}), library)
    np.testing.assert_allclose(compiled, read, rtol=5e-6)


@pytest.mark.usefixtures("glow")
@pytest.mark.parametrize("kinematics", [{"redshift": 0.002}, DRAWN], ids=["fixed", "drawn"])
def test_what_is_re_emitted_arrives(make_simulator, kinematics):
    """A band over the hump gains the absorbed energy over its width, and the spectrum far from it nothing."""
    bands = {"filters": ["HST/WFC3_UVIS.F555W", "JWST/NIRCam.F150W"]}
    ids = np.arange(8)
    batches = [
        make_simulator(sources={"glow": {"factor": f}}, photometry=bands, kinematics=kinematics).batch(ids)
        for f in (0.0, 1.0, 2.0)
    ]
    flux = [10.0 ** (-0.4 * batch.noise_free_photometry) for batch in batches]
    np.testing.assert_allclose(flux[1][:, 0], flux[0][:, 0], rtol=1e-6)
    gained = flux[1][:, 1] - flux[0][:, 1]
    assert (gained > 0.01 * flux[0][:, 1]).all()
    np.testing.assert_allclose(flux[2][:, 1] - flux[1][:, 1], gained, rtol=1e-4)
    np.testing.assert_allclose(batches[1].noise_free_spectrum, batches[0].noise_free_spectrum, rtol=1e-6)


@pytest.mark.usefixtures("glow")
def test_a_bolometer_is_compiled_where_it_is_needed_and_comes_back(make_simulator):
    assert make_simulator().light.bolometer is None
    simulator = make_simulator(sources={"glow": {}})
    compiled = CompiledRecipe.from_bytes(simulator.compiled().to_bytes(), "there")
    again = Simulator.from_compiled(compiled)
    ids = np.arange(5)
    assert again.batch(ids).photometry.tobytes() == simulator.batch(ids).photometry.tobytes()
    assert list(again.light.sources) == ["old", "young", "nebular", "glow"]
    vectors = next(name for name in compiled.arrays if name.endswith("glow.vectors.bands"))
    cut = CompiledRecipe(compiled.document, compiled.arrays | {vectors: compiled.arrays[vectors][:, :-1]})
    with pytest.raises(DatasetError, match="glow, bands: float64 of shape .* does not fit"):
        Simulator.from_compiled(cut)


class BlueBand(ReferenceBand):
    """A detector of one's own: the mean of all light but lines between 4050 and 4070 A."""

    stars_only = False

    def __init__(self):
        self.column_wave_aa = np.array([4060.0])

    def columns(self, wave_aa, flux):
        return (rebin_operator(wave_aa, np.array([4050.0, 4070.0])) @ flux.T).T

    def observe(self, reading, draws):
        return reading.columns[:, 0]


def test_a_detector_sees_sources_that_know_nothing_of_it(make_simulator, library, monkeypatch):
    band, make = BlueBand(), LightModel._make_detectors
    panels = lambda self: Detectors([*make(self).panels.values(), Panel("blue", (band,))])  # noqa: E731
    monkeypatch.setattr(LightModel, "_make_detectors", panels)
    simulator = make_simulator(sources={"agn": {"fraction": 0.3}}, basis_tolerance=0.0)
    draws = simulator.plan.draw(np.arange(3), simulator.seed)
    light = simulator.light.evaluate(draws, simulator.populations.evaluate(draws))
    seen = band.observe(simulator.light.reading(light, band), draws) * draws.values["total_mass_msun"]
    for i in range(3):
        galaxy = synthesize_galaxy(simulator.recipe, i, simulator.seed, library)
        expected = rebin_operator(galaxy.wave_aa, np.array([4050.0, 4070.0])) @ galaxy.attenuated_continuum
        assert seen[i] == pytest.approx(expected[0], rel=1e-4)


def test_older_layouts_are_refused_by_name(make_simulator):
    content = make_simulator().compiled().to_bytes()
    with pytest.raises(DatasetError, match="there has layout 1 of compiled recipes, this sfhsim reads and writes 2"):
        CompiledRecipe.from_bytes(content.replace(b"recipe 2\n", b"recipe 1\n", 1), "there")


@pytest.mark.usefixtures("glow")
def test_the_code_of_a_source_counts(monkeypatch):
    recipe = recipe_from_dict(miniature_recipe(sources={"glow": {}}))
    before = family_code(recipe)
    monkeypatch.setattr(Glow, "amplitudes", lambda self, params, surroundings: params["factor"][:, None])
    after = family_code(recipe)
    assert after.pop("source glow") != before.pop("source glow")
    assert after == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "nebular"}, "source 'nebular': every galaxy has a part of that name"),
        ({"dust": "fog"}, "source 'odd': dust is one of screen, birth_and_screen, none, not 'fog'"),
        ({"needs_absorbed": True}, "glows with the energy that dust absorbs: its dust must be 'none'"),
        ({"line_width": "sigma"}, "line_width 'sigma' is none of its parameters"),
        ({"parameters": (Parameter("v", "", "vector", 1.0, size=None),)}, "v must be numbers"),
    ],
)
def test_sources_that_cannot_be_registered(changes, message):
    odd = type("Odd", (EmissionSource,), {"name": "odd"} | changes)
    with pytest.raises(RecipeError, match=message):
        register_source(odd())
    assert "odd" not in SOURCES.names()


@pytest.mark.usefixtures("glow")
@pytest.mark.parametrize(
    ("method", "result", "message"),
    [
        ("templates", np.ones(5), "source 'glow': templates of shape .5,., expected k x "),
        ("templates", np.full((1, 2), np.nan), "source 'glow': templates of shape .1, 2., expected k x "),
        ("amplitudes", np.ones((3, 2)), "source 'glow': amplitudes of shape .3, 2., expected 3 x 1"),
        ("amplitudes", np.full((3, 1), np.inf), "source 'glow': amplitudes are not all finite"),
    ],
)
def test_what_a_source_gives_is_checked(monkeypatch, method, result, message):
    monkeypatch.setattr(Glow, method, lambda self, *arguments: result)
    recipe = recipe_from_dict(miniature_recipe(sources={"glow": {}}))
    with pytest.raises(RecipeError, match=message):
        Simulator(recipe, miniature_library()).batch(np.arange(3))


def test_a_source_that_defines_nothing_says_so():
    recipe = recipe_from_dict(miniature_recipe())
    register_source(type("Empty", (EmissionSource,), {"name": "empty"})())
    try:
        recipe = recipe_from_dict(miniature_recipe(sources={"empty": {}}))
        with pytest.raises(NotImplementedError, match="source 'empty' does not define its templates"):
            Simulator(recipe, miniature_library())
    finally:
        SOURCES._items.pop("empty")
