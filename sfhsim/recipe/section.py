"""What all sections of a recipe have in common: unknown keys are errors, values never change."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from sfhsim.recipe.distributions import Constant


def constant(value: float) -> Constant:
    """The same number in every galaxy, as a default."""
    return Constant(value=value)


class Section(BaseModel):
    """A mapping of the recipe, with its keys as attributes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)
