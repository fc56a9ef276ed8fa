"""Dust laws against their formulas and published values; the contract of every law."""

import numpy as np
import pytest

from sfhsim.dust import DUST_LAWS, TwoComponentDust, charlot_fall, get_dust_law, register_dust_law
from sfhsim.errors import RecipeError

WAVE_AA = np.geomspace(91.0, 3.0e7, 500)
PIVOT = np.array([5500.0])
N = 5
OWN = {
    "power_law": {"exponent": np.linspace(-1.5, -0.3, N)},
    "power_law_bump": {"exponent": np.linspace(-1.5, -0.3, N), "bump_strength": np.linspace(0.0, 4.0, N)},
    "calzetti": {},
}


def test_charlot_fall_follows_its_formula():
    tau_b, tau_s, p_b, p_s, bump = 1.3, 0.4, -0.7, -1.1, 2.5
    params = {
        "tau_birth": tau_b,
        "tau_screen": tau_s,
        "exponent_birth": p_b,
        "exponent_screen": p_s,
        "bump_strength_screen": bump,
    }
    birth, screen = charlot_fall().transmission(WAVE_AA, params)
    wave = WAVE_AA
    drude = bump * (470.0 * wave) ** 2 / ((wave**2 - 2175.8**2) ** 2 + (470.0 * wave) ** 2)
    assert birth[0] == pytest.approx(np.exp(-tau_b * (wave / 5500.0) ** p_b), rel=1e-12, abs=1e-300)
    assert screen[0] == pytest.approx(np.exp(-tau_s * ((wave / 5500.0) ** p_s + drude)), rel=1e-12, abs=1e-300)


def test_defaults_are_those_of_charlot_and_fall():
    defaults = {p.name: p.default for p in charlot_fall().parameters}
    assert defaults == {
        "tau_birth": 1.0,
        "tau_screen": 0.3,
        "exponent_birth": -0.7,
        "exponent_screen": -0.7,
        "bump_strength_screen": 0.0,
    }
    assert charlot_fall().transmission(PIVOT, {})[1][0, 0] == pytest.approx(np.exp(-0.3))


def test_calzetti_published_values():
    """k' is R_V = 4.05 in V by definition; 12.12 at 1200 A and 0.37 at 2.2 um (Calzetti+ 2000, eq. 4)."""
    curve = get_dust_law("calzetti").curve(np.array([1200.0, 5500.0, 22000.0, 4.0e4, 500.0, 912.0]), {})[0]
    scale = 2.659 * (-2.156 + 1.509 / 0.55 - 0.198 / 0.55**2 + 0.011 / 0.55**3) + 4.05
    assert scale == pytest.approx(4.05, abs=0.01)
    assert curve[:3] * scale == pytest.approx([12.119, 4.0479, 0.3692], abs=2e-3)
    assert curve[1] == 1.0
    assert curve[3] == 0.0
    assert curve[4] == curve[5]


def test_shared_and_own_parameters_agree():
    tau = np.linspace(0.0, 3.0, N)
    shared = charlot_fall().transmission(WAVE_AA, {"tau_screen": tau, "exponent_screen": -1.0})
    nearly = np.full(N, -1.0)
    nearly[0] = np.nextafter(-1.0, 0.0)
    own = charlot_fall().transmission(WAVE_AA, {"tau_screen": tau, "exponent_screen": nearly})
    for a, b in zip(shared, own, strict=True):
        assert a.shape == (N, WAVE_AA.size)
        assert a == pytest.approx(b, rel=1e-11, abs=1e-300)


def test_single_precision_is_close():
    params = {"tau_screen": np.linspace(0.0, 3.0, N), "exponent_screen": OWN["power_law"]["exponent"]}
    wave = np.geomspace(1200.0, 2.5e4, 300)
    exact = charlot_fall().transmission(wave, params)
    for a, b in zip(charlot_fall().transmission(wave, params, dtype=np.float32), exact, strict=True):
        assert a.dtype == np.float32
        assert np.abs(a - b).max() < 1e-6


def test_attenuation_in_v():
    dust = TwoComponentDust("power_law", "calzetti")
    assert dust.attenuation_mag({"tau_screen": [0.0, 1.0]}) == pytest.approx([0.0, 2.5 / np.log(10.0)])
    bump = charlot_fall().attenuation_mag({"tau_screen": 1.0, "bump_strength_screen": 3.0})[0]
    transmission = charlot_fall().transmission(PIVOT, {"tau_screen": 1.0, "bump_strength_screen": 3.0})[1][0, 0]
    assert bump == pytest.approx(-2.5 * np.log10(transmission), rel=1e-12)
    assert charlot_fall().attenuation_mag({}, n=3).shape == (3,)


def test_every_registered_law_has_a_case():
    assert set(DUST_LAWS.names()) == set(OWN)


@pytest.mark.parametrize("name", sorted(OWN))
class TestLawContract:
    def test_positive_finite_and_one_at_the_pivot(self, name):
        law = get_dust_law(name)
        curve = law.curve(WAVE_AA, OWN[name])
        assert np.isfinite(curve).all()
        assert (curve >= 0.0).all()
        defaults = {p.name: np.array([p.default]) for p in law.parameters}
        assert law.curve(PIVOT, defaults)[0, 0] == pytest.approx(1.0, rel=1e-14)

    def test_batch_equals_singles_and_inputs_are_not_modified(self, name):
        dust = TwoComponentDust("power_law", name)
        params = {f"{k}_screen": v.copy() for k, v in OWN[name].items()} | {"tau_screen": np.linspace(0.1, 2.0, N)}
        wave = WAVE_AA.copy()
        for array in (wave, *params.values()):
            array.setflags(write=False)
        together = dust.transmission(wave, params)
        for i in range(N):
            alone = dust.transmission(wave, {k: v[i : i + 1] for k, v in params.items()})
            for a, b in zip(alone, together, strict=True):
                assert np.array_equal(a[0], b[min(i, len(b) - 1)])


@pytest.mark.parametrize(
    ("wave", "params", "message"),
    [
        (
            PIVOT,
            {"tau_screen": -0.1},
            r"dust \(power_law \+ power_law_bump\): tau_screen = -0\.1 of galaxy 0",
        ),
        (PIVOT, {"exponent": -0.7}, r"no parameter 'exponent'.*exponent_birth"),
        ([5500.0, 0.0], {}, r"wave_aa\[1\] = 0 of shape \(2,\): dust laws take"),
        ([5500.0, np.nan], {}, r"wave_aa\[1\] = nan"),
    ],
)
def test_what_cannot_be_is_refused(wave, params, message):
    with pytest.raises(RecipeError, match=message):
        charlot_fall().transmission(wave, params)


def test_unknown_and_doubly_named_laws_are_refused():
    with pytest.raises(RecipeError, match=r"no dust law is called 'calzeti'; known: .*Did you mean 'calzetti'\?"):
        TwoComponentDust("power_law", "calzeti")

    class Mine:
        name = "calzetti"
        parameters = ()

    with pytest.raises(RecipeError, match="'calzetti' is registered twice"):
        register_dust_law(Mine())
