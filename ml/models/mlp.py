"""A small neural network by PyTorch; on the GPU where there is one."""

from __future__ import annotations

import itertools

from pydantic import Field

from ml.runtime.model import Choice, Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of the network."""

    hidden: int = Field(64, ge=1, le=8192, description="units in each hidden layer")
    layers: int = Field(2, ge=1, le=16, description="number of hidden layers")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out in training")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="step size of AdamW")
    weight_decay: float = Field(1e-3, ge=0, le=1, description="penalty on the weights")
    epochs: int = Field(60, ge=1, le=10_000, description="passes over the training part")
    batch_size: int = Field(64, ge=1, le=1_000_000, description="rows per step")


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """An estimator that trains with PyTorch and predicts without it."""
    from ml.tabular.learning.network import Network

    return Network(kind=kind, seed=seed, threads=threads, **parameters.model_dump())


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The inputs in single precision; weights, gradients and both moments; values of a batch."""
    widths = [inputs, *[parameters.hidden] * parameters.layers, outputs]
    weights = sum(a * b + b for a, b in itertools.pairwise(widths))
    batch = min(rows, parameters.batch_size) * sum(widths)
    return rows * inputs * 4 + weights * 4 * 4 + batch * 4 * 3


MODEL = Model(
    name="mlp",
    help="neural network; smooth relations, many rows",
    accelerator="gpu",
    framework="pytorch",
    parameters=Parameters,
    build=build,
    search={
        "hidden": Range(16, 256, log=True),
        "layers": Range(1, 4),
        "dropout": Range(0.0, 0.5),
        "learning_rate": Range(3e-4, 3e-2, log=True),
        "weight_decay": Range(1e-5, 0.3, log=True),
        "epochs": Range(20, 200, log=True),
        "batch_size": Choice((32, 64, 128, 256, 1024)),
    },
    explained_by="sampling",
    memory=memory,
)
