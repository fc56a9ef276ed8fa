"""The part of a training config that says where a run starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

OF_SOURCE = "source"  # in place of an architecture's name: that of the model a run starts from

# of the training config, where it names none; weights that are good already need small steps, and few data few of them
DEFAULTS: dict[str, Any] = {
    "architecture": OF_SOURCE,
    "batch_size": 32,
    "learning_rate": 2e-4,
    "weight_decay": 0.0,  # the pull is in its place
    "patience": 8,
}
FEWEST_STEPS = 25  # of an epoch where it is not said: data are repeated rather than looked at after every few steps
FEWEST_BATCHES = 4  # in a pass: the batch is made smaller for fewer data


class TransferConfig(BaseModel):
    """Where a run starts, and how far it may go from there."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    source: str = Field(min_length=1, description="Run directory, .keras file or preset.")
    freeze: tuple[str, ...] = Field(default=(), description="Branches or layers that stay as they are.")
    pull: float = Field(
        default=0.01, ge=0, description="a of a/2 sum (w - start)^2 over the carried weights, in the loss (L2-SP)."
    )
    normalization: Literal["carried", "fitted"] = Field(
        default="carried", description="Of the inputs: the source's where it fits, or anew from the data."
    )

    @field_validator("source", mode="before")
    @classmethod
    def _text(cls, value):
        return str(value) if isinstance(value, Path) else value
