"""The optimiser: AdamW (Loshchilov & Hutter 2019) with a linear warm-up, then a cosine or a constant learning rate.

rate(i) = peak (i + 1) / w                                        i < w (warm-up)
          peak (f + (1 - f) (1 + cos(pi (i - w) / (n - w))) / 2)  else; f = 1 for a constant rate
"""

from __future__ import annotations

from sfhmodel.errors import ConfigError
from sfhmodel.training.config import TrainingConfig

_NO_DECAY = ["bias", "gamma", "beta", "scale", "embedding", "position", "quer"]  # names of what is no kernel


def learning_rate_schedule(config: TrainingConfig):
    """The Keras schedule of a config whose epochs and steps are settled.

    Raises
    ------
    ConfigError
        When the warm-up leaves no steps for the rest.
    """
    from keras.optimizers.schedules import CosineDecay

    epochs, steps_per_epoch = config.settled_steps
    steps, warmup = epochs * steps_per_epoch, config.warmup
    if warmup >= steps:
        raise ConfigError(
            f"warmup_steps {warmup} leaves nothing of {epochs} epochs of {steps_per_epoch} steps: use fewer"
        )
    peak = config.learning_rate
    return CosineDecay(
        initial_learning_rate=peak / warmup if warmup else peak,
        decay_steps=steps - warmup,
        alpha=config.final_fraction if config.schedule == "cosine" else 1.0,
        warmup_target=peak if warmup else None,
        warmup_steps=warmup,
    )


def make_optimizer(config: TrainingConfig):
    """The optimiser of a config whose epochs and steps are settled; raises as `learning_rate_schedule`."""
    from keras.optimizers import AdamW

    optimizer = AdamW(
        learning_rate=learning_rate_schedule(config),
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        use_ema=config.ema is not None,
        ema_momentum=config.ema if config.ema is not None else 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=_NO_DECAY)
    return optimizer
