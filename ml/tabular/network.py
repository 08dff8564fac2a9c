"""A multi-layer perceptron that PyTorch trains and NumPy evaluates.

The fitted network holds plain arrays, so a node without PyTorch can predict with it, and gets the
same numbers as any other node.
"""

from __future__ import annotations

import itertools

import numpy as np

from ml.runtime.errors import UserError


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
        # only training needs PyTorch: predicting must work in an image without it
        try:
            import torch
        except ImportError:
            raise UserError(
                "the model mlp needs PyTorch, which this image does not hold",
                where="Model/name",
                mend="run it on a queue whose image is cuda",
                failure_class="dependency",
            ) from None
        self.device_ = "cuda" if torch.cuda.is_available() else "cpu"
        # a fixed number: the order of additions, and so the result, is the same on every node
        torch.set_num_threads(self.threads)
        torch.manual_seed(self.seed)
        widths = [features.shape[1], *[self.hidden] * self.layers]
        modules: list[torch.nn.Module] = []
        for width_in, width_out in itertools.pairwise(widths):
            modules += [
                torch.nn.Linear(width_in, width_out),
                torch.nn.ReLU(),
                torch.nn.Dropout(self.dropout),
            ]
        modules.append(torch.nn.Linear(widths[-1], outputs))
        network = torch.nn.Sequential(*modules).to(self.device_)
        loss_of = (
            torch.nn.functional.mse_loss
            if self.kind == "regression"
            else torch.nn.functional.cross_entropy
        )
        optimiser = torch.optim.AdamW(
            network.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        x = torch.from_numpy(features).to(self.device_)
        y = torch.from_numpy(encoded).to(self.device_)
        order = torch.Generator().manual_seed(self.seed)
        self.history_ = {"loss": []}
        for _ in range(self.epochs):
            total = 0.0
            for rows in torch.randperm(len(x), generator=order).split(self.batch_size):
                optimiser.zero_grad()
                loss = loss_of(network(x[rows]), y[rows])
                loss.backward()
                optimiser.step()
                total += float(loss.detach()) * len(rows)
            self.history_["loss"].append(total / len(x))
        self._weights = [
            (
                module.weight.detach().cpu().numpy().astype(np.float64),
                module.bias.detach().cpu().numpy().astype(np.float64),
            )
            for module in network
            if isinstance(module, torch.nn.Linear)
        ]
