"""Star formation and metallicity histories: pure functions of lookback time over a batch of galaxies."""

from sfhsim.histories.base import (
    HISTORIES,
    HistoryFamily,
    VectorHistoryFamily,
    get_history,
    register_history,
    vector_sizes,
)
from sfhsim.histories.dense_basis import DenseBasis, dirichlet_from_uniform
from sfhsim.histories.metallicity import (
    METALLICITIES,
    bin_metallicity,
    get_metallicity,
    mass_weighted_metallicity,
    metallicity_weights,
    register_metallicity,
)
from sfhsim.histories.parameters import Parameter
from sfhsim.histories.skewed_normal import SkewedNormal
from sfhsim.histories.tabulated import Tabulated

__all__ = [
    "HISTORIES",
    "METALLICITIES",
    "DenseBasis",
    "HistoryFamily",
    "Parameter",
    "SkewedNormal",
    "Tabulated",
    "VectorHistoryFamily",
    "bin_metallicity",
    "dirichlet_from_uniform",
    "get_history",
    "get_metallicity",
    "mass_weighted_metallicity",
    "metallicity_weights",
    "register_history",
    "register_metallicity",
    "vector_sizes",
]
