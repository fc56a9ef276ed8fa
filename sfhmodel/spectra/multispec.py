"""IRAF's ``multispec`` wavelengths: one dispersion function per spectrum, in the WAT2 cards.

Valdes 1993, ADASS II, 467.
"""

from __future__ import annotations

import re

import numpy as np

from sfhmodel.errors import InputError


def is_multispec(header) -> bool:
    """Whether the wavelengths stand in WAT2 cards."""
    return "multispec" in str(header.get("WAT0_001", "")).lower() and "WAT2_001" in header


def multispec_wavelengths(header, n_spectrum: int, n_pixel: int) -> np.ndarray:
    """Wavelengths (n_spectrum, n_pixel), in the unit of WAT1.

    Raises
    ------
    InputError
        Fewer functions than spectra, or one of another kind than linear, log-linear, Chebyshev or Legendre.
    """
    cards = sorted(key for key in header if re.fullmatch(r"WAT2_\d{3}", key))
    # cards are 68 characters long, and blanks at their ends were stripped
    text = "".join(f"{header[key]:<68s}" for key in cards)
    specs = dict(re.findall(r'spec(\d+)\s*=\s*"([^"]*)"', text))
    if missing := [k for k in range(1, n_spectrum + 1) if str(k) not in specs]:
        raise InputError(f"the WAT2 cards describe no wavelengths of spectrum {missing[0]}")
    return np.stack([_wavelengths(specs[str(k)], n_pixel) for k in range(1, n_spectrum + 1)])


def _wavelengths(spec: str, n_pixel: int) -> np.ndarray:
    """Of one ``ap beam dtype w1 dw nw z aplow aphigh [functions]``."""
    try:
        numbers = [float(word) for word in spec.split()]
        kind, start, step, shift = int(numbers[2]), numbers[3], numbers[4], numbers[6]
        if kind in (0, 1):
            values = start + step * np.arange(n_pixel)
            values = 10.0**values if kind == 1 else values
        else:
            values = _functions(numbers[9:], n_pixel)
    except InputError:
        raise
    except (ValueError, IndexError) as error:
        raise InputError(f"the WAT2 cards cannot be read: {spec[:60]!r}") from error
    return values / (1.0 + shift)


def _functions(numbers: list[float], n_pixel: int) -> np.ndarray:
    """Sum of weighted dispersion functions: 1 Chebyshev, 2 Legendre."""
    from numpy.polynomial import chebyshev, legendre

    pixel, total = np.arange(1.0, n_pixel + 1.0), np.zeros(n_pixel)
    while numbers:
        weight, offset, kind, order = numbers[0], numbers[1], int(numbers[2]), int(numbers[3])
        if kind not in (1, 2):
            raise InputError(f"the WAT2 cards hold a dispersion function of kind {kind}: only Chebyshev and Legendre "
                             "polynomials are read; make the spectrum linear (dispcor)")  # fmt: skip
        low, high, coefficients = numbers[4], numbers[5], numbers[6 : 6 + order]
        x = (pixel - 0.5 * (high + low)) / (0.5 * (high - low))
        evaluate = chebyshev.chebval if kind == 1 else legendre.legval
        total += weight * (offset + evaluate(x, coefficients))
        numbers = numbers[6 + order :]
    return total
