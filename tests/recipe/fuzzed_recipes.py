"""Recipes drawn at random, from sensible to absurd: what `test_fuzzed_recipes` gives to the simulator."""

import copy
import math

import yaml
from hypothesis import strategies as st
from miniature import miniature_recipe

# where a number or distribution belongs, and where sensible ones lie
RANGES = {
    "total_mass_msun": (1e6, 1e12),
    "metallicity/z_start": (1e-4, 1e-3),
    "metallicity/z_final": (2e-3, 5e-2),
    "metallicity/yield": (0.01, 0.05),
    "dust/birth/tau": (0.0, 3.0),
    "dust/birth/parameters/exponent": (-1.3, -0.4),
    "dust/screen/tau": (0.0, 3.0),
    "dust/screen/parameters/bump_strength": (0.0, 4.0),
    "nebular/log_u": (-4.0, -1.0),
    "nebular/escape_fraction": (0.0, 1.0),
    "nebular/line_scatter_dex": (0.0, 0.5),
    "nebular/common_scatter_dex": (0.0, 0.5),
    "kinematics/velocity_dispersion_kms": (20.0, 400.0),
    "kinematics/line_velocity_dispersion_kms": (20.0, 400.0),
    "kinematics/line_velocity_offset_kms": (-500.0, 500.0),
    "kinematics/redshift": (0.0, 0.1),
    "noise/snr": (1.0, 200.0),
    "photometry/error_mag": (0.0, 0.3),
    "histories/0/parameters/peak_gyr": (0.0, 13.0),
    "histories/0/parameters/period_gyr": (0.3, 6.0),
    "histories/0/parameters/skewness": (-0.5, 1.0),
    "histories/0/parameters/burst_sfr": (0.0, 3.0),
    "histories/0/parameters/burst_mass_fraction": (0.0, 0.3),
    "histories/0/parameters/burst_age_gyr": (0.01, 0.3),
    "histories/0/parameters/burst_duration_gyr": (0.01, 0.2),
    "histories/0/parameters/truncation": (0.0, 3.0),
    "histories/1/parameters/log10_ssfr_yr": (-12.0, -9.0),
}
# where only a number does
NUMBERS = {
    "histories/0/weight": (0.1, 3.0),
    "histories/1/alpha": (0.3, 5.0),
    "dust/birth_cloud_age_myr": (3.0, 30.0),
    "spectrum/start_aa": (3000.0, 4900.0),
    "spectrum/stop_aa": (5200.0, 9000.0),
    "spectrum/step_aa": (20.0, 60.0),
    "cosmology/h0_kms_mpc": (50.0, 100.0),
    "cosmology/omega_m": (0.1, 0.5),
}
OTHERS = {
    "name": st.sampled_from(["a", "../x", "a b", "", "x" * 300, "7"]),
    "format": st.sampled_from([1, 2, "1"]),
    "discretisation": st.sampled_from(["exact", "prospect", "rough"]),
    "metallicity/form": st.sampled_from(["closed_box", "linear_mass", "constant", "tabulated", "open_box"]),
    "metallicity": st.lists(st.floats(-0.01, 0.25), min_size=1, max_size=3).map(
        lambda z: {"form": "tabulated", "table": {"age_yr": [0.0, 1e9, 1.2e10][: len(z)], "value": z}}
    ),
    "dust/birth/law": st.sampled_from(["power_law", "calzetti", "power_law_bump", "smc"]),
    "nebular/model": st.sampled_from(["none", "cloudy", "other"]),
    "nebular/continuum": st.booleans(),
    "kinematics/broaden_stars": st.booleans(),
    "noise/model": st.sampled_from(["none", "constant", "poisson", "proportional"]),
    "noise/curve": st.just({"wave_aa": [1000.0, 9000.0], "relative_snr": [0.1, 1.0]}),
    "photometry/filters": st.sampled_from(
        [[], ["F555W"], ["HST/WFC3_UVIS.F275W", "HST/WFC3_UVIS.F814W"], ["no such"], ["a" * 300]]
    ),
    "photometry/interpolation": st.sampled_from(["linear", "log", "cubic"]),
    "spectrum/lsf": st.sampled_from(
        [{"name": "none"}, {"name": "constant", "fwhm_aa": 3.0}, {"name": "constant", "resolving_power": 1e300}, {}]
    ),
    "labels/age_bin_edges_myr": st.sampled_from(
        [[0, 100, 13800], [0, 1e-300, 200], [0, 50], list(range(0, 14000, 4)), [0, 1e300], [], [0, "a"], 7]
    ),
    "histories": st.sampled_from(
        [
            [{"family": "tabulated", "table": {"age_yr": [0, 1e9, 1e10], "value": [0, 1, 0.5]}}],
            [{"family": "tabulated", "table": {"age_yr": [0, 1e9], "value": [0, 0]}}],
            [{"family": "tabulated", "table": {"age_yr": [1.3e10, 2e10], "value": [0, 1e30]}}],
            [{"family": "other"}],
            [],
            [[]],
        ]
    ),
    "histories/1/n_quantiles": st.integers(-1, 60),
    "unheard_of": st.just(1),
}
_WILD = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-1e3, 1e3),
    st.integers(-(10**25), 10**25),
    st.sampled_from([0, 1, -1, 1e-320, 5e-324, 1e30, 1e300, -1e300, 10**320, -(10**4000 // 7), 3e9, 1e6]),
)
_JUNK = st.sampled_from([None, True, "", "abc", "x" * 300, [], [1.0], {}, {"a": 1}, [[[]]], "\0", "1e5", "2024-01-01"])
# put in the place of a value, as text
NASTY = (
    *(
        "!!bool abc",
        "2024-13-45",
        "9" * 5000,
        "[" * 2000,
        "[" * 30 + "]" * 30,
        "!!int ''",
        "!!float x",
        "*nothing",
        "|",
    ),
    *("!!python/object:os.system x", "&a [*a, *a]", "!!binary x", "{? [1] : 2}", "{a: 1, a: 2}", "!!timestamp x", "~"),
)


def _sensible(low: float, high: float):
    """A number or a distribution within a range."""
    number = st.floats(low, high)
    pair = st.tuples(number, number).map(sorted)
    kinds = [
        number,
        pair.map(lambda p: {"distribution": "uniform", "min": p[0], "max": p[1]}),
        st.lists(number, min_size=1, max_size=4).map(lambda v: {"distribution": "choice", "values": v}),
        st.tuples(number, pair).map(
            lambda v: {"distribution": "normal", "mean": v[0], "std": (high - low) / 4, "min": v[1][0], "max": v[1][1]}
        ),
        st.just({"distribution": "beta", "a": 2, "b": 3, "min": low, "max": high}),
    ]
    if low > 0:
        kinds.append(pair.map(lambda p: {"distribution": "log_uniform", "min": p[0], "max": p[1]}))
        width = math.log10(high / low) / 20
        kinds.append(number.map(lambda v: {"distribution": "log10_normal", "mean": math.log10(v), "std": width}))
    if low >= 0:
        kinds.append(st.just({"distribution": "exponential", "scale": (high - low) / 40, "min": low}))
    return st.one_of(*kinds)


_WILD_DISTRIBUTIONS = st.one_of(
    st.fixed_dictionaries({"distribution": st.sampled_from(["uniform", "log_uniform"]), "min": _WILD, "max": _WILD}),
    st.fixed_dictionaries(
        {"distribution": st.sampled_from(["normal", "log10_normal"]), "mean": _WILD, "std": _WILD},
        optional={"min": _WILD, "max": _WILD},
    ),
    st.fixed_dictionaries({"distribution": st.just("exponential"), "scale": _WILD}, optional={"min": _WILD}),
    st.fixed_dictionaries({"distribution": st.just("beta"), "a": _WILD, "b": _WILD}),
    st.fixed_dictionaries(
        {"distribution": st.just("choice"), "values": st.lists(_WILD, max_size=3)},
        optional={"weights": st.lists(_WILD, max_size=3)},
    ),
    st.fixed_dictionaries({"distribution": st.sampled_from(["constant", "none", 3])}),
)


def _near(low: float, high: float):
    """Around a sensible range, up to far outside of it."""
    span = max(abs(low), abs(high))
    return st.tuples(st.sampled_from([low, high]), st.sampled_from([-100, -3, -1, 0, 1, 3, 100])).map(
        lambda v: v[0] + v[1] * span
    )


@st.composite
def changes(draw) -> tuple[str, object]:
    """A key of the recipe and what to put there."""
    kind = draw(st.sampled_from(["range"] * 7 + ["number"] * 2 + ["other"]))
    if kind == "other":
        path = draw(st.sampled_from(sorted(OTHERS)))
        return path, draw(_JUNK if draw(st.integers(0, 9)) == 0 else OTHERS[path])
    table = RANGES if kind == "range" else NUMBERS
    path = draw(st.sampled_from(sorted(table)))
    sensible = _sensible(*table[path]) if kind == "range" else st.floats(*table[path])
    odd = st.one_of(_near(*table[path]), _near(*table[path]), _WILD, _WILD_DISTRIBUTIONS, _JUNK)
    return path, draw(odd if draw(st.integers(0, 7)) == 0 else sensible)


def _put(content, path: str, value) -> None:
    *parents, last = path.split("/")
    node = content
    for key in parents:
        if isinstance(node, list):
            if not key.isdigit() or int(key) >= len(node):
                return
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node.setdefault(key, {})
        else:
            return
    if isinstance(node, dict):
        node[last] = copy.deepcopy(value)


@st.composite
def recipes(draw) -> tuple[str, list[str]]:
    """YAML text of a recipe on the miniature library, and the keys that were changed."""
    content = copy.deepcopy(
        miniature_recipe(
            spectrum={"start_aa": 4800.0, "stop_aa": 5600.0, "step_aa": 40.0, "lsf": {"name": "none"}},
            photometry={"filters": ["HST/WFC3_UVIS.F555W"], "error_mag": 0.05},
        )
    )
    keys = []
    for path, value in draw(st.lists(changes(), min_size=1, max_size=6)):
        _put(content, path, value)
        keys.append(path)
    text = yaml.safe_dump(content, sort_keys=False)
    if draw(st.integers(0, 9)) == 0:
        lines = text.splitlines()
        k = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[k].partition(":")
        if draw(st.booleans()):
            lines.insert(k, lines[k])
        elif colon:
            lines[k] = f"{key}: {draw(st.sampled_from(NASTY))}"
        keys.append(key.strip(" -"))
        text = "\n".join(lines)
    return text, keys
