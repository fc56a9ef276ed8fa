"""What an adaptation does: one validated, frozen description, YAML in and out."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sfhmodel.errors import ConfigError
from sfhmodel.training.config import TrainingConfig, explained

# what is minimised: weights of the terms; all but `supervised` rise to theirs over the first steps
DEFAULT_LOSSES = {
    "supervised": 1.0,
    "mmd": 1.0,
    "coral": 0.1,
    "transport": 0.0,
    "consistency": 0.5,
    "reconstruction": 0.0,
    "adversarial": 0.0,
}
ALIGNMENT = ("coral", "mmd", "adversarial")


class AdaptationConfig(BaseModel):
    """Everything that decides an adaptation but the network and its data.

    Raises
    ------
    pydantic.ValidationError
        From the constructor; `adaptation_config` turns it into a ConfigError that names each key.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    losses: dict[str, float] = Field(
        default_factory=dict, description=f"Weights of {', '.join(DEFAULT_LOSSES)}; those not named keep the default."
    )
    ramp: float = Field(default=0.25, ge=0, le=1, description="Share of all steps in which the terms rise.")
    label_weights: bool = Field(default=True, description="Weigh simulated galaxies to be like the observed ones.")
    label_bins: int = Field(default=12, ge=2, le=100, description="Bins of each quantity that the weights look at.")
    label_most: float = Field(default=4.0, ge=1, le=100, description="Largest weight, and one over the least.")
    components: int = Field(default=15, ge=1, le=500, description="Principal components that the transport acts on.")
    stretch: float = Field(default=3.0, ge=1, description="Most that the transport stretches or shrinks by.")
    batch_size: int = Field(default=256, ge=8, description="Spectra of each kind in a step.")
    steps_per_epoch: int = Field(default=100, ge=1, description="Steps between validations.")
    epochs: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Peak of the learning rate.")
    final_fraction: float = Field(default=0.02, ge=0, le=1, description="Of the peak, at the end of the cosine.")
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    clip_norm: float | None = Field(default=1.0, gt=0, description="Largest global norm of the gradient; None: any.")
    patience: int | None = Field(default=None, ge=1, description="Stop after as many epochs without a better one.")
    tolerance: float = Field(
        default=0.1, ge=0, description="By how much, at most, the loss on simulated galaxies may be above that before."
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Of the order of the data and everything random.")
    observed_records: int = Field(default=20_000, ge=1, description="Most observed spectra that are used.")
    held_out: float = Field(default=0.2, gt=0, lt=1, description="Share of them that only chooses the epoch.")
    validation_records: int = Field(default=2048, ge=1, description="Simulated galaxies, at most.")
    calibration_records: int | None = Field(default=None, ge=1, description="At most; None: the validation split.")
    keep_intervals: bool = Field(default=False, description="Keep the corrections of the intervals as they are.")
    jit_compile: bool | None = Field(default=None, description="XLA in TensorFlow; None: where there is a GPU.")

    @field_validator("losses")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        """All terms by name."""
        if unknown := sorted(set(value) - set(DEFAULT_LOSSES)):
            raise ValueError(f"no term {', '.join(unknown)}: there are {', '.join(DEFAULT_LOSSES)}")
        if negative := [name for name, weight in value.items() if weight < 0.0]:
            raise ValueError(f"the weight of {', '.join(negative)} must not be negative")
        value = {**DEFAULT_LOSSES, **value}
        if not value["supervised"]:
            raise ValueError("supervised must have a weight: without labels there is nothing to hold the answers")
        return value

    def model_post_init(self, context: Any) -> None:
        """The default of the terms, which a validator sees only where they are given."""
        if not self.losses:
            object.__setattr__(self, "losses", dict(DEFAULT_LOSSES))

    @property
    def terms(self) -> dict[str, float]:
        """Those with a weight."""
        return {name: weight for name, weight in self.losses.items() if weight}

    @property
    def ramp_steps(self) -> float:
        """Steps in which the terms rise, at least one."""
        return max(1.0, self.ramp * self.epochs * self.steps_per_epoch)

    def training(self) -> TrainingConfig:
        """What the epochs of a training take of it."""
        return TrainingConfig(
            batch_size=self.batch_size,
            steps_per_epoch=self.steps_per_epoch,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            final_fraction=self.final_fraction,
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            patience=self.patience,
            seed=self.seed,
            jit_compile=self.jit_compile,
            validation_records=self.validation_records,
            calibration_records=self.calibration_records,
            monitor="val_selection",
        )


def adaptation_config(content: dict, origin: str = "adaptation config") -> AdaptationConfig:
    """A validated config from plain data.

    Raises
    ------
    ConfigError
        Naming every unknown key and impossible value.
    """
    try:
        return AdaptationConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(explained(error, origin, AdaptationConfig)) from error


def adaptation_yaml(config: AdaptationConfig, of: dict) -> str:
    """YAML of a config, and of what is adapted to what."""
    return yaml.safe_dump(config.model_dump(mode="json") | {"of": of}, sort_keys=False)
