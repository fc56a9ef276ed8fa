"""Dust: attenuation laws by name, the two-component model that combines them, and models of infrared emission."""

from sfhsim.dust.base import DUST_LAWS, DustLaw, get_dust_law, register_dust_law
from sfhsim.dust.dale import Dale2014
from sfhsim.dust.draine_li import DraineLi
from sfhsim.dust.emission import (
    DUST_EMISSIONS,
    DustEmission,
    TemplateMixture,
    dust_spectrum,
    get_dust_emission,
    register_dust_emission,
)
from sfhsim.dust.laws import Calzetti, PowerLaw, PowerLawBump
from sfhsim.dust.two_component import TwoComponentDust, charlot_fall

__all__ = [
    "DUST_EMISSIONS",
    "DUST_LAWS",
    "Calzetti",
    "Dale2014",
    "DraineLi",
    "DustEmission",
    "DustLaw",
    "PowerLaw",
    "PowerLawBump",
    "TemplateMixture",
    "TwoComponentDust",
    "charlot_fall",
    "dust_spectrum",
    "get_dust_emission",
    "get_dust_law",
    "register_dust_emission",
    "register_dust_law",
]
