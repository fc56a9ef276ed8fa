"""Weights of mixing for galaxies of any masses and metallicities: nothing is lost, and interpolation is linear."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sfhsim.kernels.mixing import BLOCK, mix
from sfhsim.kernels.rows import COLUMNS

N_Z = 4


@st.composite
def galaxies(draw):
    """Masses, lower metallicities and shares of the next one, (n, n_age) each."""
    n, n_age = draw(st.integers(1, 5)), draw(st.integers(1, 8))

    def numbers(strategy):
        return np.array(draw(st.lists(strategy, min_size=n * n_age, max_size=n * n_age))).reshape(n, n_age)

    mass, lower, share = (
        numbers(st.one_of(st.just(0.0), st.floats(1e-3, 1e3))),
        numbers(st.integers(0, N_Z - 1)),
        numbers(st.floats(0.0, 1.0)),
    )
    return mass, lower.astype(np.int32), np.where(lower == N_Z - 1, 0.0, share)


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(galaxy=galaxies())
def test_mass_is_kept_and_metallicity_is_the_mean(galaxy):
    mass, lower, share = galaxy
    n, n_age = mass.shape
    z = np.array([0.001, 0.004, 0.02, 0.05])
    table = np.zeros((N_Z, n_age, COLUMNS), dtype=np.float32)
    table[..., 0], table[..., 1] = 1.0, z[:, None]
    out = np.empty((BLOCK, COLUMNS), dtype=np.float32)
    mix(mass, lower, share, 0, n_age, table.reshape(-1, COLUMNS), out)
    wanted = (1.0 - share) * z[lower] + share * z[np.minimum(lower + 1, N_Z - 1)]
    np.testing.assert_allclose(out[:n, 0], mass.sum(axis=1), rtol=2e-6)
    np.testing.assert_allclose(out[:n, 1], (mass * wanted).sum(axis=1), rtol=2e-6)
    assert (out[n:] == 0.0).all()
    assert (out[:, 2:] == 0.0).all()
