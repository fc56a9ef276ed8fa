"""Models that ship, built from nothing: worlds between makers, a training, uncertainties set on unseen worlds."""

from sfhmodel.building.build import build, galaxies, measured, prior_mean
from sfhmodel.building.worlds import definition, definition_names, write_worlds

__all__ = ["build", "definition", "definition_names", "galaxies", "measured", "prior_mean", "write_worlds"]
