"""Lines that are scattered and that move: compiled as they read, distributed as they are said to be, paired as physics
pairs them, and the rest of the galaxy as it was."""

import numpy as np
import pytest
from miniature import BANDS, made_up_lkl10, miniature_recipe
from scipy import stats
from test_sample_identity import as_bytes
from test_simulator_against_galaxy import DRAWN, MAG_TOLERANCE_DRAWN, MAG_TOLERANCE_FIXED, compare

from sfhsim import Simulator
from sfhsim.constants import LSUN_ERG_S
from sfhsim.errors import RecipeError
from sfhsim.nebular import NEBULAR_MODELS, NebularModel, load_cloudy, register_nebular_model
from sfhsim.recipe.loading import recipe_from_dict
from sfhsim.synthesis import synthesize_galaxy
from sfhsim.synthesis.compiled_recipe import CompiledRecipe
from sfhsim.synthesis.draws import COMMON_SHIFT, LINE_SCATTER, ParameterPlan


def uniform(low, high):
    return {"distribution": "uniform", "min": low, "max": high}


SCATTER = {"line_scatter_dex": uniform(0.0, 0.3), "hydrogen_scatter_dex": 0.02, "common_scatter_dex": 0.2}
FIXED = {"velocity_dispersion_kms": 200.0, "redshift": 0.002}
BOTH_WAYS = {"line_velocity_offset_kms": uniform(-800.0, 800.0)}
SHIFTED = {"nebular": SCATTER, "kinematics": DRAWN | BOTH_WAYS}
DUSTY = {"screen": {"law": "power_law", "tau": 1.0}, "emission": {"model": "draine_li_2007"}}
RECIPES = {
    "fixed": {"nebular": SCATTER},
    "without continuum": {"nebular": SCATTER | {"continuum": False}},
    "drawn": {"nebular": SCATTER, "kinematics": DRAWN},
    "one velocity": {"kinematics": FIXED | {"line_velocity_offset_kms": -800.0}},
    "velocities": {"nebular": SCATTER, "kinematics": FIXED | BOTH_WAYS},
    "velocities, drawn": SHIFTED,
    "velocities of narrow lines": {
        "kinematics": DRAWN | BOTH_WAYS | {"line_velocity_dispersion_kms": uniform(20.0, 100.0)},
    },
    "velocities, stars not broadened, drawn": {"kinematics": DRAWN | BOTH_WAYS | {"broaden_stars": False}},
    "velocities, interpolated in log, drawn": SHIFTED
    | {"photometry": {"filters": list(BANDS), "interpolation": "log"}},
    "velocities, bands missing": SHIFTED | {"photometry": {"filters": list(BANDS), "missing": "allow"}},
    "velocities beside a nucleus, drawn": SHIFTED | {"sources": {"agn": {"hbeta_width_aa": uniform(0.0, 20.0)}}},
}


@pytest.mark.parametrize("name", RECIPES)
def test_compiled_as_it_reads(make_simulator, library, name):
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=0.0)
    assert rms < 5e-5
    assert mag < (MAG_TOLERANCE_DRAWN if "drawn" in name else MAG_TOLERANCE_FIXED)


@pytest.mark.parametrize("name", ["fixed", "velocities", "drawn"])
def test_compiled_as_it_reads_within_the_tolerance_of_the_basis(make_simulator, library, name):
    rms, mag = compare(make_simulator, library, RECIPES[name], basis_tolerance=2e-4, n=2)
    assert rms < 2e-4
    assert mag < MAG_TOLERANCE_DRAWN


@pytest.mark.parametrize("base", [FIXED, DRAWN], ids=["fixed", "drawn"])
@pytest.mark.parametrize("offset", [-800.0, uniform(-800.0, 800.0)], ids=["one velocity", "velocities"])
def test_a_velocity_moves_lines_across_a_narrow_band(make_simulator, library, tmp_path, base, offset):
    """Halpha on the slopes of a triangle 100 A wide: a tenth of a magnitude, as the readable path has it."""
    band = tmp_path / "narrow.txt"
    band.write_text("6400 0\n6530 0\n6580 1\n6630 0\n6700 0\n")
    base = base | {"redshift": 0.002, "line_velocity_dispersion_kms": 60.0}
    sections = {"nebular": {"log_u": -3.0}, "photometry": {"filters": [str(band)]}}
    moved = sections | {"kinematics": base | {"line_velocity_offset_kms": offset}}
    assert compare(make_simulator, library, moved, basis_tolerance=0.0, n=6)[1] < 5e-3
    found = [make_simulator(**given).batch(range(6)).noise_free_photometry for given in (moved, sections)]
    assert np.abs(found[0] - found[1]).max() > 0.05


@pytest.mark.parametrize("kinematics", [FIXED, FIXED | {"line_velocity_dispersion_kms": uniform(190.0, 210.0)}])
def test_lines_lie_at_the_velocity_of_the_gas(make_simulator, kinematics):
    spectra = []
    for model in ("cloudy", "none"):
        sections = {"nebular": {"model": model, "continuum": False}, "noise": {"model": "none"}}
        simulator = make_simulator(**sections, kinematics=kinematics | {"line_velocity_offset_kms": 300.0})
        spectra.append(simulator.batch([1]).noise_free_spectrum[0].astype(np.float64))
    wave_aa, lines = simulator.spectrograph.wave_aa, spectra[0] - spectra[1]
    expected_aa = 5006.84 * 1.002 * (1 + 300.0 / 299792.458)
    near = np.abs(wave_aa - expected_aa) < 20.0
    assert (lines * wave_aa)[near].sum() / lines[near].sum() == pytest.approx(expected_aa, abs=0.05)


def test_every_line_as_the_readable_path_has_it(make_simulator, library):
    simulator = make_simulator(nebular=SCATTER, kinematics=DRAWN)
    draws = simulator.plan.draw(np.arange(4), simulator.seed)
    compiled = simulator.light.evaluate(draws, simulator.populations.evaluate(draws)).lines
    in_view = np.searchsorted(load_cloudy().line_wave_aa, simulator.light.nebular.lines.wave_aa)
    for i in range(4):
        galaxy = synthesize_galaxy(simulator.recipe, sample_id=i, library=library)
        lines = galaxy.attenuated_lines_lsun[in_view] / draws.values["total_mass_msun"][i]
        np.testing.assert_allclose(compiled[i], lines, rtol=1e-6)


def emitted(simulator, ids):
    """Wavelengths and luminosities of the nebular lines in view, before the dust."""
    draws = simulator.plan.draw(np.asarray(ids), simulator.seed)
    lines = simulator.light.nebular.emission(draws, simulator.populations.evaluate(draws), None).lines
    return simulator.light.nebular.lines.wave_aa, lines, draws


@pytest.fixture(scope="module")
def scattered(library):
    """log10 of scattered over plain lines of 4000 galaxies by wavelength, and their draws."""
    found = []
    given = {"line_scatter_dex": 0.15, "common_scatter_dex": uniform(0.0, 0.2)}
    for nebular in (given, {}):
        content = miniature_recipe(nebular={"log_u": uniform(-3.5, -2.0)} | nebular, kinematics=DRAWN)
        found.append(emitted(Simulator(recipe_from_dict(content), library, seed=8), range(4000)))
    (wave_aa, lines, draws), (_, plain, _) = found
    lit = plain[:, 0] > 0
    dex = np.log10(lines[lit] / plain[lit])
    return {round(float(wave)): column for wave, column in zip(wave_aa, dex.T, strict=True)}, draws, lit


def test_lines_are_scattered_normally_in_dex_and_independently(scattered):
    lines, draws, lit = scattered
    common = draws.values[COMMON_SHIFT][lit]
    own = np.stack([lines[wave] - common for wave in (5007, 6583, 6300, 6716, 5876, 7136)])
    assert own.shape[1] > 3000
    for column in own:
        assert stats.kstest(column / 0.15, "norm").pvalue > 0.01
    beside = np.corrcoef(np.vstack([own, common]))[~np.eye(len(own) + 1, dtype=bool)]
    assert np.abs(beside).max() < 4.0 / np.sqrt(own.shape[1])


def test_what_lines_have_in_common_is_as_wide_as_it_is_said_to_be(scattered):
    _, draws, _ = scattered
    width = draws.values["nebular.common_scatter_dex"]
    assert stats.kstest(width / 0.2, "uniform").pvalue > 0.01
    assert stats.kstest(draws.values[COMMON_SHIFT] / width, "norm").pvalue > 0.01


def test_pairs_keep_their_ratios_and_hydrogen_its_own(scattered):
    lines, draws, lit = scattered
    for pair in ((4959, 5007), (6548, 6583), (6300, 6364), (6716, 6731), (5876, 6678), (7136, 7751), (2796, 2803)):
        np.testing.assert_allclose(lines[pair[0]], lines[pair[1]], atol=1e-6)
    for wave in (4861, 6563, 9015):
        np.testing.assert_allclose(lines[wave], draws.values[COMMON_SHIFT][lit], atol=1e-6)


def test_hydrogen_is_scattered_where_it_is_asked_for(make_simulator):
    found = [
        emitted(make_simulator(nebular={"log_u": -3.0} | given), range(600))
        for given in ({"hydrogen_scatter_dex": 0.03}, {})
    ]
    (wave_aa, lines, _), (_, plain, _) = found
    dex = np.log10(lines[plain[:, 0] > 0] / plain[plain[:, 0] > 0])
    is_balmer = np.isin(np.round(wave_aa), (4861, 6563))
    np.testing.assert_array_equal(dex[:, ~is_balmer], 0.0)
    assert dex[:, is_balmer].std() == pytest.approx(0.03, rel=0.1)
    assert abs(np.corrcoef(dex[:, is_balmer].T)[0, 1]) < 0.2


def test_the_tables_of_levesque_are_scattered_alike(make_simulator, library, tmp_path, monkeypatch):
    made_up_lkl10(tmp_path / "lkl10.npz")
    monkeypatch.setenv("SFHSIM_LKL10", str(tmp_path / "lkl10.npz"))
    for kinematics in (FIXED, DRAWN | BOTH_WAYS):
        sections = {"nebular": SCATTER | {"model": "lkl10"}, "kinematics": kinematics}
        rms, mag = compare(make_simulator, library, sections, basis_tolerance=0.0)
        assert rms < 5e-5
        assert mag < MAG_TOLERANCE_DRAWN


class CaseB(NebularModel):
    """Lines without names."""

    name, line_wave_aa = "case_b", np.array([4861.3, 4958.9, 5006.8, 6562.8])

    def line_luminosities(self, params, gas):
        halpha = 1.37e-12 / LSUN_ERG_S * gas.photon_rate[:, None]
        return halpha * np.array([1 / 2.86, 0.3, 0.9, 1.0])


@pytest.fixture
def case_b():
    yield register_nebular_model(CaseB())
    NEBULAR_MODELS._items.pop("case_b")


def test_lines_of_a_model_of_ones_own_are_scattered_alike(make_simulator, library, case_b):
    nebular = {"model": "case_b", "line_scatter_dex": 0.3, "common_scatter_dex": 0.2}
    for kinematics in (FIXED, DRAWN | BOTH_WAYS):
        rms, mag = compare(make_simulator, library, {"nebular": nebular, "kinematics": kinematics}, basis_tolerance=0.0)
        assert rms < 5e-5
        assert mag < MAG_TOLERANCE_DRAWN
    wave_aa, lines, _ = emitted(make_simulator(nebular=nebular), range(40))
    ratios = lines[lines[:, 0] > 0] / lines[lines[:, 0] > 0][:, :1]
    np.testing.assert_array_equal(wave_aa, CaseB.line_wave_aa)
    assert np.ptp(np.log10(ratios[:, 2])) > 0.5
    np.testing.assert_allclose(ratios[:, 2] / ratios[:, 1], 3.0)
    np.testing.assert_allclose(ratios[:, 3], 2.86)


def test_dust_emits_what_it_absorbs_of_scattered_lines(make_simulator, library):
    simulator = make_simulator(nebular=SCATTER | {"common_scatter_dex": 0.5}, dust=DUSTY)
    batch, names = simulator.batch(range(4)), [entry["name"] for entry in simulator.truths.entries]
    for i in range(4):
        energy = synthesize_galaxy(simulator.recipe, sample_id=i, library=library).energy_lsun()
        assert batch.truth[i, names.index("dust_luminosity_lsun")] == pytest.approx(energy["reemitted"], rel=1e-6)


def test_switched_on_they_leave_the_rest_as_it_was(make_simulator):
    ids, nucleus = np.arange(20), {"agn": {"hbeta_width_aa": uniform(0.0, 20.0)}}
    still = {"line_scatter_dex": 0.0, "hydrogen_scatter_dex": 0.0, "common_scatter_dex": 0.0}
    plain = make_simulator(sources=nucleus, nebular={"log_u": uniform(-3.5, -2.0)})
    one = plain.batch(ids)
    for given in (still, SCATTER):
        simulator = make_simulator(
            sources=nucleus,
            nebular={"log_u": uniform(-3.5, -2.0)} | given,
            kinematics=FIXED | {"line_velocity_offset_kms": 0.0},
        )
        other = simulator.batch(ids)
        for name, values in one.draws.values.items():
            np.testing.assert_array_equal(other.draws.values[name], values)
        assert set(other.draws.values) - set(one.draws.values) == {
            "line_velocity_offset_kms",
            *(f"nebular.{key}" for key in SCATTER),
            COMMON_SHIFT,
        }
        assert simulator.fingerprint() != plain.fingerprint()
        if given is still:
            np.testing.assert_array_equal(other.noise_free_spectrum, one.noise_free_spectrum)
            np.testing.assert_allclose(other.noise_free_photometry, one.noise_free_photometry, atol=2e-4)


def test_each_key_draws_the_same_whichever_others_there_are():
    sections = (
        {"nebular": {"line_scatter_dex": uniform(0.0, 0.3)}},
        {"nebular": SCATTER, "kinematics": DRAWN | BOTH_WAYS},
        {"nebular": SCATTER, "kinematics": FIXED},
    )
    plans = [ParameterPlan(recipe_from_dict(miniature_recipe(**given))) for given in sections]
    draws = [plan.draw(np.arange(9), 4).values for plan in plans]
    np.testing.assert_array_equal(draws[0][LINE_SCATTER], draws[1][LINE_SCATTER])
    np.testing.assert_array_equal(draws[1][COMMON_SHIFT], draws[2][COMMON_SHIFT])


def test_what_is_drawn_is_a_truth(make_simulator):
    simulator = make_simulator(**SHIFTED)
    batch, entries = simulator.batch(range(8)), simulator.truths.entries
    truths = {entry["name"]: batch.truth[:, k] for k, entry in enumerate(entries)}
    for name in ("line_velocity_offset_kms", LINE_SCATTER, COMMON_SHIFT):
        np.testing.assert_allclose(truths[name], batch.draws.values[name], rtol=1e-6)
        assert len(set(truths[name])) == 8
    units = {entry["name"]: entry["unit"] for entry in entries}
    assert units["line_velocity_offset_kms"] == "km/s"
    assert {units[LINE_SCATTER], units[COMMON_SHIFT]} == {"dex"}


@pytest.mark.parametrize("sections", [{"nebular": SCATTER}, RECIPES["velocities"], SHIFTED], ids=str)
def test_same_bytes_in_any_batch_from_any_number_of_threads_and_from_a_file(make_simulator, sections):
    import numba

    simulator, ids = make_simulator(seed=3, **sections), np.array([0, 3, 17, 255, 2**40])
    together = as_bytes(simulator.batch(ids))
    assert as_bytes(simulator.batch(ids[::-1])) == together
    for sample in ids[1:3]:
        assert as_bytes(simulator.batch([sample]))[int(sample)] == together[int(sample)]
    opened = CompiledRecipe.from_bytes(simulator.compiled().to_bytes(), "compiled")
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert as_bytes(Simulator.from_compiled(opened, seed=3).batch(ids)) == together
    finally:
        numba.set_num_threads(before)
    assert as_bytes(Simulator.from_compiled(opened, seed=4).batch(ids)) != together


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"nebular": {"line_scatter_dex": -0.1}}, "nebular.line_scatter_dex spans -0.1 to -0.1: .* 0 and 1 dex"),
        ({"nebular": {"common_scatter_dex": uniform(0.0, 3.0)}}, "nebular.common_scatter_dex spans 0 to 3"),
        ({"nebular": {"hydrogen_scatter_dex": "much"}}, "nebular.hydrogen_scatter_dex"),
        (
            {"kinematics": {"line_velocity_offset_kms": {"distribution": "normal", "mean": 0.0, "std": 500.0}}},
            "line_velocity_offset_kms spans .* within -3000 and 3000 km/s; give its distribution a min or max",
        ),
        (
            {
                "nebular": {f"{which}_scatter_dex": 1.0 for which in ("line", "hydrogen", "common")},
                "total_mass_msun": 1e15,
                "kinematics": {"redshift": 0.0},
                "noise": {"model": "constant", "snr": 1e-3},
            },
            "the brightest galaxies, or their noise",
        ),
    ],
)
def test_what_cannot_be(sections, message):
    with pytest.raises(RecipeError, match=message):
        recipe_from_dict(miniature_recipe(**sections))
