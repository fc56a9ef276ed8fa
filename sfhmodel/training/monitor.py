"""What watches the steps of training: progress on the terminal, the rate, and losses that are not finite.

Keras hands the numbers of each step to `StepMonitor` in a thread of its own where the backend allows it, so that the
next step does not wait for them.
"""

from __future__ import annotations

import math
import threading
import time

import keras

_REFRESH_S = 0.2  # how often the terminal is brought up to date


class StepMonitor(keras.callbacks.Callback):
    """Counts steps and seconds, and stops at a loss that is not finite.

    Parameters
    ----------
    display : a `TrainingDisplay`, or None.
    batch_size : spectra in a step.

    Attributes
    ----------
    bad_step : first step of the epoch with a loss that is not finite, counted from 0; None if there is none.
    seconds, spectra : spent on, and seen in, the steps of the epoch but the first, which compiles.
    """

    async_safe = True

    def __init__(self, display, batch_size: int):
        super().__init__()
        self._display, self._batch_size = display, batch_size
        self._lock = threading.Lock()
        self._next_refresh = 0.0
        self.on_epoch_begin(0)

    def on_epoch_begin(self, epoch, logs=None):
        self.bad_step: int | None = None
        self.seconds, self.spectra, self._began, self._first_step = 0.0, 0, None, 0

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        loss = (logs or {}).get("loss", 0.0)
        with self._lock:  # steps may arrive out of order
            self._count(batch, now)
            # Keras gives the mean over the epoch so far: once it is not finite it stays so
            if not math.isfinite(loss) and (self.bad_step is None or batch < self.bad_step):
                self.bad_step = batch
                self.model.stop_training = True
            if self._display is not None and now > self._next_refresh:
                self._next_refresh = now + _REFRESH_S
                self._display.step(batch + 1, loss, self.spectra / self.seconds if self.seconds else 0.0)

    def on_test_batch_end(self, batch, logs=None):
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            with self._lock:
                self.bad_step = batch if self.bad_step is None else min(self.bad_step, batch)

    def _count(self, batch: int, now: float) -> None:
        if self._began is None:
            self._began, self._first_step = now, batch
        elif batch - self._first_step > self.spectra // self._batch_size:
            self.spectra = (batch - self._first_step) * self._batch_size
            self.seconds = now - self._began
