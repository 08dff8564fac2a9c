"""A multi-layer perceptron that PyTorch trains and NumPy evaluates.

The fitted network holds plain arrays, so a node without PyTorch can predict with it, and gets the
same numbers as any other node. Trained twice on CPUs it has the same bits. On a GPU it starts from
the same weights, takes the rows in the same order and leaves out the same units, so only rounding
differs: scores agree with those of a CPU within :data:`TOLERANCE`.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ml.runtime.errors import UserError

# how far scores may be apart, as a share, between a network trained on a GPU and on a CPU
TOLERANCE = 1e-3


class Network:
    """A perceptron with ReLU layers for a number, two classes or more.

    Parameters
    ----------
    kind : str
        ``regression``, ``binary`` or ``multiclass``.
    seed : int
        Of the weights, the order of rows, and dropout.
    hidden, layers, dropout, learning_rate, weight_decay, epochs, batch_size
        See :class:`ml.models.mlp.Parameters`.
    threads : int
        Of training on the CPU.

    Attributes
    ----------
    classes_ : ndarray
        Sorted class labels; not for regression.
    history_ : dict
        ``{"loss": [one number per epoch]}``.
    device_ : str
        Where it was trained.
    """

    def __init__(
        self,
        *,
        kind: str,
        seed: int,
        hidden: int,
        layers: int,
        dropout: float,
        learning_rate: float,
        weight_decay: float,
        epochs: int,
        batch_size: int,
        threads: int = 1,
    ) -> None:
        self.kind = kind
        self.seed = seed
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.threads = threads

    def fit(self, features: np.ndarray, target: np.ndarray) -> Network:
        """Train on features of shape (rows, columns) and a target of shape (rows,)."""
        if self.kind == "regression":
            self._centre, self._scale = float(target.mean()), float(target.std()) or 1.0
            encoded = ((target - self._centre) / self._scale).astype(np.float32)[:, None]
        else:
            self.classes_, codes = np.unique(target.astype(str), return_inverse=True)
            encoded = codes.astype(np.int64)
        outputs = 1 if self.kind == "regression" else len(self.classes_)
        self._train(features.astype(np.float32), encoded, outputs)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Numbers or class labels, shape (rows,)."""
        if self.kind == "regression":
            return self._forward(features)[:, 0] * self._scale + self._centre
        return self.classes_[self.predict_proba(features).argmax(axis=1)]

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        logits = self._forward(features)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def _forward(self, features: np.ndarray) -> np.ndarray:
        values = np.asarray(features, dtype=np.float64)
        *inner, (weight, bias) = self._weights
        for layer_weight, layer_bias in inner:
            values = np.maximum(values @ layer_weight.T + layer_bias, 0.0)
        return values @ weight.T + bias

    def _train(self, features: np.ndarray, encoded: np.ndarray, outputs: int) -> None:
        torch = _pytorch()
        self.device_ = "cuda" if torch.cuda.is_available() else "cpu"
        # a fixed number: the order of additions, and so the result, is the same on every node
        torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        widths = [features.shape[1], *[self.hidden] * self.layers, outputs]
        layers = [
            torch.nn.Linear(width_in, width_out).to(self.device_)
            for width_in, width_out in itertools.pairwise(widths)
        ]
        loss_of = (
            torch.nn.functional.mse_loss
            if self.kind == "regression"
            else torch.nn.functional.cross_entropy
        )
        optimiser = torch.optim.AdamW(
            [weight for layer in layers for weight in layer.parameters()],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        # the step shrinks to nothing, so that the last rows do not decide, nor does rounding
        steps = self.epochs * math.ceil(len(features) / self.batch_size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        x = torch.from_numpy(features).to(self.device_)
        y = torch.from_numpy(encoded).to(self.device_)
        order = torch.Generator().manual_seed(self.seed)
        self.history_ = {"loss": []}
        for epoch in range(self.epochs):
            # on the device until the epoch's end: asking for a number waits for all that runs there
            total = torch.zeros((), device=self.device_)
            shuffled = torch.randperm(len(x), generator=order).to(self.device_)
            for rows in shuffled.split(self.batch_size):
                optimiser.zero_grad()
                values = x[rows]
                for depth, layer in enumerate(layers[:-1]):
                    values = torch.relu(layer(values))
                    if self.dropout:
                        values = values * self._kept(rows, epoch * self.layers + depth)
                loss = loss_of(layers[-1](values), y[rows])
                loss.backward()
                optimiser.step()
                schedule.step()
                total += loss.detach() * len(rows)
            self.history_["loss"].append(float(total) / len(x))
        self._weights = [
            (
                layer.weight.detach().cpu().numpy().astype(np.float64),
                layer.bias.detach().cpu().numpy().astype(np.float64),
            )
            for layer in layers
        ]

    def _kept(self, rows: Any, draw: int) -> Any:
        """Which units dropout keeps for some rows, scaled; the same on every device.

        Each device has random numbers of its own. These are a function of seed, draw, row and
        unit: J. Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011.
        """
        import torch

        units = torch.arange(self.hidden, device=rows.device)
        mixed = rows[:, None] * 0x9E3779B1 + units * 0x85EBCA77 + (draw + 1) * 0xC2B2AE3D
        mixed = mixed + self.seed * 0x27D4EB2F
        for _ in range(2):
            mixed = ((mixed ^ (mixed >> 16)) & 0xFFFFFFFF) * 0x45D9F3B & 0xFFFFFFFF
        uniform = (mixed ^ (mixed >> 16)).to(torch.float32) / float(1 << 32)
        return (uniform >= self.dropout) / (1.0 - self.dropout)


def _pytorch() -> Any:
    # only training needs it: predicting must work in an image without it
    try:
        import torch
    except ImportError:
        raise UserError(
            "the model mlp needs PyTorch, which this image does not hold",
            where="Model/name",
            mend="run it on a queue whose image is cuda",
            failure_class="dependency",
        ) from None
    return torch
