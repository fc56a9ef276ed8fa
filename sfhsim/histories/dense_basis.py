"""Dense basis star formation histories (Iyer & Gawiser 2017, ApJ 838, 127; Iyer et al. 2019, ApJ 879, 116).

The cosmic times t_1 < ... < t_N at which fractions k/(N + 1) of the mass had formed divide the history into
N + 1 intervals, whose lengths, as fractions of the whole, follow a symmetric Dirichlet distribution of
concentration alpha. The cumulative mass is the monotone cubic through the quantiles (Fritsch & Carlson
1980, SIAM J. Numer. Anal. 17, 238): it meets them exactly, and the SFR, its derivative, is continuous and
never negative. Today's SFR over the total mass, where given, is the slope of the curve at its end; a
monotone cubic allows at most 3 times the mean of the last interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from sfhsim import elementary
from sfhsim.errors import RecipeError
from sfhsim.histories.base import Params, check_age_max_yr, check_ages_yr, register_history
from sfhsim.histories.parameters import Parameter, batch_size, resolve

if TYPE_CHECKING:
    from sfhsim.recipe.galaxy_sections import History

SMALLEST_INTERVAL = 1.0e-12  # of cosmic time; a shorter one is merged with its neighbour


@dataclass(frozen=True)
class DenseBasis:
    """The family ``dense_basis``; see the module for the construction."""

    name: ClassVar[str] = "dense_basis"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "interval_fractions",
            "",
            "fractions of cosmic time, Big Bang first, in which equal fractions of the mass form",
            None,
            0.0,
            1.0 + 1e-6,
            size=None,
        ),
        Parameter(
            "log10_ssfr_yr",
            "dex(1/yr)",
            "today's SFR over the total mass formed",
            np.nan,
            -100.0,
            0.0,
            nan_means="free",
        ),
    )
    vector_parameters: ClassVar[dict[str, str]] = {
        "interval_fractions": "drawn share of cosmic time, Big Bang first",
    }

    def vector_size(self, name: str, history: History) -> int:
        """One interval more than there are quantiles."""
        return history.n_quantiles + 1

    def vector_from_uniform(self, name: str, uniform: np.ndarray, history: History) -> np.ndarray:
        """(n, N + 1) of the Dirichlet distribution."""
        return dirichlet_from_uniform(uniform, history.alpha)

    def cumulative_mass(self, params: Params, age_edges_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """Fraction of the mass formed at lookback times below each edge.

        Parameters
        ----------
        params : ``interval_fractions`` (n, N + 1), and optionally ``log10_ssfr_yr`` (n,).
        age_edges_yr : (m,) increasing, yr.
        age_max_yr : number or (n,), yr: the lookback time of the Big Bang.

        Returns
        -------
        (n, m) float64, 0 at age 0, 1 at and beyond age_max.

        Raises
        ------
        RecipeError
            For fractions that are negative or do not add up to 1, or ages that are not yr.
        """
        return self._evaluate(params, check_ages_yr(age_edges_yr, "age_edges_yr"), age_max_yr, slope=False)[0]

    def sfr(self, params: Params, age_yr: ArrayLike, age_max_yr: ArrayLike) -> np.ndarray:
        """SFR in 1/yr for a total mass of 1, (n, m), at ``age_yr`` (m,); arguments as ``cumulative_mass``."""
        return self._evaluate(params, check_ages_yr(age_yr), age_max_yr, slope=True)[0]

    def ssfr_clipped(self, params: Params, age_max_yr: ArrayLike) -> np.ndarray:
        """(n,) bool: where ``log10_ssfr_yr`` was lowered to the most that a monotone cubic allows."""
        return self._evaluate(params, np.empty(0), age_max_yr, slope=False)[1]

    def _evaluate(
        self, params: Params, age_yr: np.ndarray, age_max_yr: ArrayLike, slope: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        from sfhsim.kernels.dense_basis import dense_basis_cumulative  # numba takes 0.4 s to import

        rows = [value for name, value in params.items() if np.ndim(value) == 1 + (name == "interval_fractions")]
        n = batch_size(age_max_yr, *rows)
        p = resolve(self.parameters, params, self.name, n)
        interval = p["interval_fractions"]
        whole = interval.sum(axis=1)
        if not (np.abs(whole - 1.0) < 1e-6).all():
            i = int(np.argmax(np.abs(whole - 1.0)))
            raise RecipeError(
                f"dense_basis: interval_fractions of galaxy {i} add up to {whole[i]:g}, not 1; "
                "they are lengths of intervals, not times"
            )
        out = np.empty((n, age_yr.size))
        clipped = np.empty(n, dtype=np.bool_)
        ssfr = elementary.exp10(p["log10_ssfr_yr"])
        age_max_yr = check_age_max_yr(age_max_yr, n)
        dense_basis_cumulative(interval, ssfr, age_max_yr, SMALLEST_INTERVAL, age_yr, out, slope, clipped)
        return out, clipped


def dirichlet_from_uniform(uniform: ArrayLike, alpha: float = 1.0) -> np.ndarray:
    """Draws of a symmetric Dirichlet distribution from uniform numbers, one for one, so that draws are
    reproducible.

        Parameters
        ----------
        uniform : (n, k) in [0, 1).
        alpha : concentration, above 0; 1 is flat on the simplex, less makes histories burstier.

        Returns
        -------
        (n, k) float64, each row not negative and adding up to 1.

        Raises
        ------
        RecipeError
            For alpha not positive, or numbers outside [0, 1).
    """
    uniform = np.asarray(uniform, dtype=np.float64)
    if not (np.isfinite(alpha) and alpha > 0.0):
        raise RecipeError(f"Dirichlet concentration alpha = {alpha}: it must be above 0")
    if uniform.ndim != 2 or not ((uniform >= 0.0) & (uniform < 1.0)).all():
        raise RecipeError(f"uniform numbers for a Dirichlet draw must be (n, k) in [0, 1); got shape {uniform.shape}")
    positive = np.maximum(uniform, 2.0**-54)
    if alpha == 1.0:
        gamma = -elementary.log1p(-positive)
    else:
        ln_gamma = elementary.log_gamma_quantile(alpha, positive)
        gamma = elementary.exp(ln_gamma - ln_gamma.max(axis=1, keepdims=True))
    return gamma / gamma.sum(axis=1, keepdims=True)


register_history(DenseBasis())
