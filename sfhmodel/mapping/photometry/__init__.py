"""Images in the bands of the model, brought to the spaxels of a cube and to magnitudes of its bins.

Spectra and images are compared spaxel by spaxel: whoever gives images brings them to the cube's point-spread function.
"""

from sfhmodel.mapping.photometry.magnitudes import BinMagnitudes, magnitudes_of_bins

__all__ = ["BinMagnitudes", "magnitudes_of_bins"]
