"""Linear models and a random forest, averaged: each errs where the other does not."""

from __future__ import annotations

from pydantic import Field

from ml.models import discriminant, random_forest, ridge
from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of the average and its parts."""

    linear_share: float = Field(2 / 3, ge=0, le=1, description="weight of the linear models")
    alpha: float = Field(1.0, gt=0, le=1e6, description="strength of the linear L2 penalty")
    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees")
    min_samples_leaf: int = Field(1, ge=1, le=1_000_000, description="fewest rows in a leaf")


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator that averages numbers, or probabilities."""
    from sklearn.ensemble import VotingClassifier, VotingRegressor

    linear = ridge.build(ridge.Parameters(alpha=parameters.alpha), kind, seed, threads)
    forest = random_forest.build(_of_forest(parameters), kind, seed, threads)
    share = parameters.linear_share
    if kind == "regression":
        return VotingRegressor([("linear", linear), ("forest", forest)], weights=[share, 1 - share])
    # one fits the classes' borders, the other their clouds
    clouds = discriminant.build(discriminant.Parameters(), kind, seed, threads)
    return VotingClassifier(
        [("linear", linear), ("clouds", clouds), ("forest", forest)],
        voting="soft",
        weights=[share / 2, share / 2, 1 - share],
    )


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """What the forest needs; the linear models need little beside."""
    return random_forest.memory(_of_forest(parameters), rows, inputs, outputs)


def _of_forest(parameters: Parameters) -> random_forest.Parameters:
    return random_forest.Parameters(
        n_estimators=parameters.n_estimators, min_samples_leaf=parameters.min_samples_leaf
    )


MODEL = Model(
    name="blend",
    help="mean of linear models and a forest; steady where rows are few",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={
        "linear_share": Range(0.1, 0.9),
        "alpha": Range(1e-2, 1e2, log=True),
        "n_estimators": Range(100, 600),
        "min_samples_leaf": Range(1, 32, log=True),
    },
    explained_by="sampling",
    memory=memory,
)
