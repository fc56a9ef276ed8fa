"""Nebular emission: lines and continuum of the gas around young stars.

``models``: the registry that recipes look models up in, ``base`` how a new one is made.
``lkl10``: line tables of Levesque, Kewley & Larson (2010), with ``continuum``, the recombination continuum
for a given L(Hbeta). ``cloudy``: lines and continuum of every SSP from photoionisation models.
``profiles``: lines onto pixels.
"""

from importlib import import_module

_HOME = {
    "NEBULAR_MODELS": "models",
    "get_nebular_model": "models",
    "register_nebular_model": "models",
    "Gas": "base",
    "NebularModel": "base",
    "SSPNebularModel": "base",
    "CloudyModel": "cloudy",
    "load_cloudy": "cloudy",
    "LKL10Lines": "lkl10",
    "SFR_TO_HALPHA_LSUN": "lkl10",
    "ionization_parameter": "lkl10",
    "load_lkl10": "lkl10_install",
    "install_lkl10": "lkl10_install",
    "RecombinationContinuum": "continuum",
    "load_continuum": "continuum",
    "two_photon_emissivity": "continuum",
    "add_lines": "profiles",
    "line_pixel_matrix": "profiles",
}
__all__ = sorted(_HOME)


def __getattr__(name: str):
    """Import on first use, so that ``import sfhsim.nebular`` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
