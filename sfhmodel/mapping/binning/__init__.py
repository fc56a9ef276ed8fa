"""Which spaxels go together: each alone, squares, a map that is given, or bins of one signal to noise."""

from sfhmodel.mapping.binning.bins import MASKED, BinMap, Bins
from sfhmodel.mapping.binning.choose import bins_of

__all__ = ["MASKED", "BinMap", "Bins", "bins_of"]
