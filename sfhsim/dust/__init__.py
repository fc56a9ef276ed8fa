"""Dust attenuation: laws by name, and the two-component model that combines them."""

from sfhsim.dust.base import DUST_LAWS, DustLaw, get_dust_law, register_dust_law
from sfhsim.dust.laws import Calzetti, PowerLaw, PowerLawBump
from sfhsim.dust.two_component import TwoComponentDust, charlot_fall

__all__ = [
    "DUST_LAWS",
    "Calzetti",
    "DustLaw",
    "PowerLaw",
    "PowerLawBump",
    "TwoComponentDust",
    "charlot_fall",
    "get_dust_law",
    "register_dust_law",
]
