"""What every family of histories promises, whatever its formula; a new family is added to CASES."""

import numpy as np
import pytest

from sfhsim.errors import RecipeError
from sfhsim.histories import HISTORIES, dirichlet_from_uniform, get_history, register_history
from sfhsim.histories.base import check_age_max_yr, check_ages_yr

N = 9
EDGES_YR = np.concatenate([[0.0], np.geomspace(1e5, 1.5e10, 90)])
AGE_MAX_YR = np.linspace(6.0e9, 13.8e9, N)


def cases():
    rng = np.random.default_rng(11)
    table = np.linspace(0.0, 1.38e10, 7)
    return {
        "skewed_normal": {
            "peak_gyr": rng.uniform(0.0, 13.8, N),
            "period_gyr": 10.0 ** rng.uniform(-1.0, 0.5, N),
            "skewness": rng.uniform(-0.5, 1.5, N),
            "burst_sfr": rng.uniform(0.0, 2.0, N) * (np.arange(N) % 2),
            "burst_age_gyr": np.full(N, 0.9),
            "truncation": 2.0 * (np.arange(N) % 3 == 0),
        },
        "dense_basis": {
            "interval_fractions": dirichlet_from_uniform(rng.random((N, 5))),
            "log10_ssfr_yr": rng.uniform(-11.0, -9.0, N),
        },
        "tabulated": {"age_yr": table, "sfr": rng.random((N, 7))},
    }


def row(params, i):
    """The parameters of galaxy ``i`` alone."""
    return {k: v[i : i + 1] if len(v) == N else v for k, v in params.items()}


def test_every_registered_family_has_a_case():
    assert set(HISTORIES.names()) == set(cases())


@pytest.mark.parametrize("name", sorted(cases()))
class TestContract:
    def test_unit_mass_monotone_and_bounded(self, name):
        got = get_history(name).cumulative_mass(cases()[name], EDGES_YR, AGE_MAX_YR)
        assert got.shape == (N, EDGES_YR.size)
        assert got.dtype == np.float64
        assert (got[:, 0] == 0.0).all()
        assert (got[EDGES_YR[None, :] >= AGE_MAX_YR[:, None]] == 1.0).all()
        assert np.diff(got, axis=1).min() >= -1e-15
        at_end = get_history(name).cumulative_mass(row(cases()[name], 2), AGE_MAX_YR[2:3] * (1 - 1e-12), AGE_MAX_YR[2])
        assert at_end[0, 0] == pytest.approx(1.0, abs=1e-10)

    def test_sfr_is_the_derivative(self, name):
        family, step = get_history(name), 2.0e4
        ages = np.array([4.3e6, 6.1e8, 3.21e9, 5.5e9])
        around = np.sort(np.concatenate([ages - step, ages + step]))
        cumulative = family.cumulative_mass(cases()[name], around, AGE_MAX_YR)
        slope = np.diff(cumulative, axis=1)[:, ::2] / (2.0 * step)
        sfr = family.sfr(cases()[name], ages, AGE_MAX_YR)
        # the difference of two cumulative fractions near 1 keeps 1e-16/4e4 of absolute precision
        assert np.abs(sfr - slope).max() < 1e-5 * sfr.max() + 1e-19
        assert (family.sfr(cases()[name], [1.39e10], AGE_MAX_YR) == 0.0).all()

    def test_batch_equals_singles(self, name):
        family, params = get_history(name), cases()[name]
        together = family.cumulative_mass(params, EDGES_YR, AGE_MAX_YR)
        for i in range(N):
            alone = family.cumulative_mass(row(params, i), EDGES_YR, AGE_MAX_YR[i])
            assert np.array_equal(alone[0], together[i])

    def test_inputs_are_not_modified_and_may_be_read_only(self, name):
        params, edges, age_max = cases()[name], EDGES_YR.copy(), AGE_MAX_YR.copy()
        for array in (*params.values(), edges, age_max):
            array.setflags(write=False)
        family = get_history(name)
        got = family.cumulative_mass(params, edges, age_max)
        family.sfr(params, edges, age_max)
        assert np.array_equal(got, family.cumulative_mass(cases()[name], EDGES_YR, AGE_MAX_YR))

    def test_same_bytes_for_any_number_of_threads(self, name):
        import numba

        family, params = get_history(name), cases()[name]
        before = numba.get_num_threads()
        try:
            numba.set_num_threads(1)
            one = family.cumulative_mass(params, EDGES_YR, AGE_MAX_YR)
            numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
            two = family.cumulative_mass(params, EDGES_YR, AGE_MAX_YR)
        finally:
            numba.set_num_threads(before)
        assert one.tobytes() == two.tobytes()

    def test_bad_ages_are_refused(self, name):
        family, params = get_history(name), cases()[name]
        with pytest.raises(RecipeError, match=r"age_edges_yr ends at 13\.8: that is not yr; multiply Gyr by 1e9"):
            family.cumulative_mass(params, [0.0, 13.8], AGE_MAX_YR)
        with pytest.raises(RecipeError, match=r"age_max_yr = 13\.8: expected the oldest possible age in yr"):
            family.cumulative_mass(params, EDGES_YR, 13.8)


@pytest.mark.parametrize(
    ("ages", "message"),
    [
        ([0.0, np.nan, 1e9], r"age_yr\[1\] = nan: ages are lookback times in yr"),
        ([0.0, -1.0, 1e9], r"age_yr\[1\] = -1"),
        ([0.0, 1e9, 1e8], r"age_yr\[2\] = 1e\+08 is below the age before it"),
        (np.ones((2, 2)), r"age_yr has shape \(2, 2\)"),
    ],
)
def test_ages_are_checked(ages, message):
    with pytest.raises(RecipeError, match=message):
        check_ages_yr(ages)


def test_age_max_of_another_length_is_refused():
    with pytest.raises(RecipeError, match=r"age_max_yr has shape \(2,\); expected a number or \(3,\)"):
        check_age_max_yr([1e9, 2e9], 3)
    with pytest.raises(RecipeError, match="age_max_yr = nan"):
        check_age_max_yr(np.nan, 3)


def test_registry_names_the_known_and_refuses_a_name_taken():
    with pytest.raises(
        RecipeError, match=r"no star formation history is called 'skew_normal'; known: .*'skewed_normal'\?"
    ):
        get_history("skew_normal")

    class Other:
        name = "tabulated"
        parameters = ()

    with pytest.raises(RecipeError, match="'tabulated' is registered twice: by Tabulated and by Other"):
        register_history(Other())
