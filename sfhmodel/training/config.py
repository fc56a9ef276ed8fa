"""What a training run does: one validated, frozen description, YAML in and out.

An unknown key is an error that names it, a missing one takes the default shown here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sfhmodel.errors import ConfigError
from sfhmodel.training.transfer.config import DEFAULTS as TRANSFER_DEFAULTS
from sfhmodel.training.transfer.config import FEWEST_BATCHES, OF_SOURCE, TransferConfig
from sfhsim import dotted_keys

DECIDED = ("epochs", "steps_per_epoch")  # None until a run directory has settled them
DEFAULT_EPOCHS = 30
DEFAULT_STEPS = 500
_WARMUP_SHARE, _MAX_WARMUP_STEPS = 0.05, 500


class TrainingConfig(BaseModel):
    """Everything that decides a training run but its data.

    Raises
    ------
    pydantic.ValidationError
        From the constructor; `config_from_dict` turns it into a ConfigError that names each key.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    architecture: str = Field(
        default="attention",
        description="One of `sfhmodel.architectures.names()`; of a transfer `source`, the default: that of the source.",
    )
    architecture_options: dict[str, Any] = Field(default_factory=dict, description="Arguments of the architecture.")
    losses: dict[str, Any] | None = Field(default=None, description="Weights of the losses; None for the default.")
    augmentation: dict[str, Any] | bool = Field(
        default=True, description="Options of the augmentation; true for the default, false for none."
    )
    batch_size: int = Field(default=256, ge=1, description="Spectra in a step, over all devices.")
    steps_per_epoch: int | None = Field(
        default=None, ge=1, description=f"Steps between validations; None: one pass, at most {DEFAULT_STEPS}."
    )
    epochs: int | None = Field(default=None, ge=1, description=f"None: {DEFAULT_EPOCHS}, or what `minutes` allows.")
    minutes: float | None = Field(default=None, gt=0, description="Fix the number of epochs by this time on this host.")
    learning_rate: float = Field(default=4e-3, gt=0, le=10, description="Peak of the learning rate.")
    schedule: Literal["cosine", "constant"] = Field(default="cosine", description="Learning rate after the warm-up.")
    final_fraction: float = Field(default=0.01, ge=0, le=1, description="Of the peak, at the end of the cosine.")
    warmup_steps: int | None = Field(
        default=None, ge=0, description=f"Linear rise; None: 5% of all steps, at most {_MAX_WARMUP_STEPS}."
    )
    weight_decay: float = Field(default=0.01, ge=0, lt=1, description="Of AdamW; kernels only.")
    clip_norm: float | None = Field(default=1.0, gt=0, description="Largest global norm of the gradient; None: any.")
    ema: float | None = Field(
        default=None, gt=0, lt=1, description="Momentum of a moving average of the weights, which is what is kept."
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Of weights, data order and augmentation.")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(default="float32")
    distribution: Literal["none", "data_parallel", "multi_worker"] = Field(
        default="none", description="data_parallel: all devices here; multi_worker: TF_CONFIG names the workers."
    )
    jit_compile: bool | None = Field(default=None, description="XLA in TensorFlow; None: where there is a GPU.")
    monitor: str = Field(default="val_loss", description="Metric that decides which weights are best; lower is better.")
    patience: int | None = Field(default=None, ge=1, description="Stop after as many epochs without a better one.")
    adapt_records: int = Field(default=4096, ge=1, description="Training records that set the normalisation.")
    validation_records: int | None = Field(
        default=None, ge=1, description="At most; None: the whole split, of a live recipe 2048."
    )
    calibration_records: int | None = Field(default=None, ge=1, description="At most; None: as for the validation.")
    transfer: TransferConfig | None = Field(
        default=None, description="Start from a trained model; other keys then have other defaults."
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_transfer(cls, content):
        """Defaults of a training that starts from a trained model."""
        if isinstance(content, dict) and content.get("transfer") is not None:
            return TRANSFER_DEFAULTS | content
        return content

    @field_validator("architecture_options", "losses", "augmentation", mode="before")
    @classmethod
    def _plain(cls, value):
        """As YAML would give it back, so that configs can be compared."""
        return _plain(value)

    @model_validator(mode="after")
    def _consistent(self):
        if (
            self.warmup_steps is not None
            and self.epochs is not None
            and self.steps_per_epoch is not None
            and self.warmup_steps >= self.epochs * self.steps_per_epoch
        ):
            raise ValueError(
                f"warmup_steps {self.warmup_steps} leaves nothing of {self.epochs} epochs of "
                f"{self.steps_per_epoch} steps: use fewer"
            )
        return self

    @property
    def settled_steps(self) -> tuple[int, int]:
        """Epochs, and steps of each; ConfigError where they are still to be decided."""
        if self.epochs is None or self.steps_per_epoch is None:
            raise ConfigError("epochs and steps_per_epoch are not decided yet: settle these first")
        return self.epochs, self.steps_per_epoch

    @property
    def warmup(self) -> int:
        """Steps of the warm-up, of a config whose epochs and steps are settled."""
        if self.warmup_steps is not None:
            return self.warmup_steps
        epochs, steps = self.settled_steps
        return min(_MAX_WARMUP_STEPS, int(_WARMUP_SHARE * epochs * steps))

    def fitted_to(self, n_train: int | None) -> TrainingConfig:
        """Of a transfer, with a batch of which a pass over ``n_train`` records has some; None: of endless records."""
        if self.transfer is None or n_train is None:
            return self
        return self.replaced(batch_size=max(min(self.batch_size, n_train // FEWEST_BATCHES), 1))

    def replaced(self, **changes: Any) -> TrainingConfig:
        """A validated copy; raises ConfigError."""
        return config_from_dict({**self.model_dump(), **changes})


def config_from_dict(content: dict, origin: str = "training config") -> TrainingConfig:
    """A validated config from plain data.

    Raises
    ------
    ConfigError
        Naming every unknown key and impossible value.
    """
    try:
        return TrainingConfig.model_validate(content)
    except ValidationError as error:
        raise ConfigError(explained(error, origin, TrainingConfig)) from error


def load_config(path: str | Path) -> TrainingConfig:
    """A validated config from a YAML file; ConfigError when it is missing, not YAML, or wrong."""
    return config_from_dict(read_mapping(path), str(path))


def read_mapping(path: str | Path) -> dict:
    """The keys and values of a YAML file; ConfigError when it is missing or something else."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the config {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must be a mapping of config keys, e.g. `batch_size: 256`")
    return content


def config_yaml(config: TrainingConfig) -> str:
    """YAML that `load_config` reads as the same config, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)


def apply_settings(content: dict, settings: Iterable[str]) -> dict:
    """A copy of plain data with ``key=value`` settings applied; dots reach into mappings, values are YAML.

    Raises
    ------
    ConfigError
        For a setting that is not ``key=value``, or goes into something that is no mapping.
    """
    content = dict(content)
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"--set {setting!r}: write key=value, e.g. learning_rate=0.001")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {setting!r}: the value is not valid YAML ({error})") from error
        set_key(content, key.strip(), _number(value), f"--set {setting!r}")
    return content


def differing_keys(there: TrainingConfig, wanted: TrainingConfig) -> list[str]:
    """Keys in which two configs differ; what ``wanted`` leaves to be decided does not differ."""
    if wanted.transfer is not None and wanted.architecture == OF_SOURCE:
        wanted = wanted.replaced(
            architecture=there.architecture,
            architecture_options={**there.architecture_options, **wanted.architecture_options},
            losses=there.losses if wanted.losses is None else wanted.losses,
        )
    return [
        key
        for key in TrainingConfig.model_fields
        if getattr(there, key) != getattr(wanted, key) and not (key in DECIDED and getattr(wanted, key) is None)
    ]


def set_key(content: dict, dotted: str, value: object, where: str) -> None:
    """`sfhsim.dotted_keys.set_key`; ConfigError says ``where`` a key has no keys."""
    try:
        dotted_keys.set_key(content, dotted, value)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _number(value):
    """YAML 1.1 takes 1e-3 for a string."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def explained(error: ValidationError, origin: str, config: type[BaseModel]) -> str:
    """What is wrong with a config of this class, a line for each key."""
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"]) or "config"
        inside: type[BaseModel] = TransferConfig if where.startswith("transfer.") else config
        known = ", ".join(inside.model_fields)
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown key {where!r}: the keys are {known}")
        else:
            lines.append(f"{where}: {item['msg'].removeprefix('Value error, ')} (got {item['input']!r})")
    return f"{origin} is not valid:\n  " + "\n  ".join(lines)
