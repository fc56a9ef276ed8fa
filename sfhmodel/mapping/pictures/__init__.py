"""Pages of maps, radial profiles, spectra and histories of a file of maps."""

from sfhmodel.mapping.pictures.pages import plot_maps

__all__ = ["plot_maps"]
