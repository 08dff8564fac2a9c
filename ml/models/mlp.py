"""A small neural network by PyTorch; on the GPU where there is one."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters


class Parameters(ModelParameters):
    """Of the network."""

    hidden: int = Field(64, ge=1, le=8192, description="units in each hidden layer")
    layers: int = Field(2, ge=1, le=16, description="number of hidden layers")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of units left out in training")
    learning_rate: float = Field(3e-3, gt=0, le=1, description="step size of AdamW")
    weight_decay: float = Field(1e-3, ge=0, le=1, description="penalty on the weights")
    epochs: int = Field(60, ge=1, le=10_000, description="passes over the training part")
    batch_size: int = Field(64, ge=1, le=1_000_000, description="rows per step")


def build(parameters: Parameters, kind: str, seed: int):
    """An estimator that trains with PyTorch and predicts without it."""
    from ml.tabular.network import Network

    return Network(kind=kind, seed=seed, **parameters.model_dump())


MODEL = Model(
    name="mlp",
    help="neural network; smooth relations, many rows",
    accelerator="gpu",
    framework="pytorch",
    parameters=Parameters,
    build=build,
)
