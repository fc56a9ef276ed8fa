"""A model whose one forward pass also tells where it looked."""

from __future__ import annotations

import keras
import numpy as np


class WatchedModel(keras.Model):
    """Answers of a model with the weights of its attention, where it has any.

    Parameters
    ----------
    model : StarFormationModel
    """

    def __init__(self, model):
        super().__init__(dtype="float32")
        self.model = model
        self.built = True
        # XLA takes several times as long to compile such a model in TensorFlow, which then is no faster
        self.jit_compile = keras.backend.backend() != "tensorflow"
        self._size = 0

    def call(self, inputs: dict) -> dict:
        answer = self.model.forward(inputs, training=False)
        looked = {"attention": answer.raw["attention"]} if "attention" in answer.raw else {}
        return self.model.physical(answer) | looked

    def answers(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs as arrays, compiled for the size of the first batch: smaller ones are filled up."""
        n = len(inputs["flux"])
        self._size = max(self._size, n)
        rows = np.arange(self._size) % n
        filled = inputs if n == self._size else {name: values[rows] for name, values in inputs.items()}
        return {name: np.asarray(values)[:n] for name, values in self.predict_on_batch(dict(filled)).items()}
