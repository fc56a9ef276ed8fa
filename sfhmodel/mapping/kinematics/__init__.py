"""Velocities and dispersions of a cube: given in files, or found in its spectra."""

from sfhmodel.mapping.kinematics.field import VelocityField
from sfhmodel.mapping.kinematics.files import velocity_field_of_file

__all__ = ["VelocityField", "velocity_field_of_file"]
