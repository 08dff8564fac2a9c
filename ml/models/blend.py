"""Lines, smooth curves or clouds, and a forest, averaged: each errs where the others do not."""

from __future__ import annotations

from pydantic import Field

from ml.models import discriminant, random_forest, ridge, svm
from ml.runtime.model import Choice, Model, ModelParameters, Range

# wide curves bend little: the forest is there for what they miss
_CURVES = svm.Parameters(width=0.3)
# the curves' work grows with the square of the rows: of more, they are fitted on so many
CURVES_MOST_ROWS = 2000


class Parameters(ModelParameters):
    """Of the average and its parts."""

    smooth_share: float = Field(
        2 / 3,
        ge=0,
        le=1,
        description="weight of the smooth models: half lines, half curves or for classes clouds",
    )
    alpha: float = Field(1.0, gt=0, le=1e6, description="strength of the linear L2 penalty")
    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees")
    min_samples_leaf: int = Field(
        0, ge=0, le=1_000_000, description="fewest rows in a leaf; 0 is 5, or for classes 1"
    )


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator that averages numbers, or probabilities."""
    from sklearn.ensemble import VotingClassifier, VotingRegressor

    lines = ridge.build(ridge.Parameters(alpha=parameters.alpha), kind, seed, threads)
    forest = random_forest.build(_of_forest(parameters, kind), kind, seed, threads)
    share = parameters.smooth_share
    weights = [share / 2, share / 2, 1 - share]
    if kind == "regression":
        curves = svm.build(_CURVES, kind, seed, threads).set_params(most_rows=CURVES_MOST_ROWS)
        parts = [("lines", lines), ("curves", curves), ("forest", forest)]
        return VotingRegressor(parts, weights=weights)
    # one fits the classes' borders, the other their clouds
    clouds = discriminant.build(discriminant.Parameters(), kind, seed, threads)
    parts = [("lines", lines), ("clouds", clouds), ("forest", forest)]
    return VotingClassifier(parts, voting="soft", weights=weights)


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """What the forest needs, and the curves of some of the rows; linear models need little."""
    # numbers have one output; classes have no curves, and leaves of a single row
    kind = "regression" if outputs == 1 else "classes"
    needed = random_forest.memory(_of_forest(parameters, kind), rows, inputs, outputs)
    if kind == "regression":
        needed += svm.memory(_CURVES, min(rows, CURVES_MOST_ROWS), inputs, outputs)
    return needed


def _of_forest(parameters: Parameters, kind: str) -> random_forest.Parameters:
    usual = 5 if kind == "regression" else 1
    return random_forest.Parameters(
        n_estimators=parameters.n_estimators,
        min_samples_leaf=parameters.min_samples_leaf or usual,
    )


MODEL = Model(
    name="blend",
    help="mean of lines, curves or clouds and a forest; steady where rows are few",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={
        "smooth_share": Range(0.1, 0.9),
        "alpha": Range(1e-2, 1e2, log=True),
        "n_estimators": Range(100, 600),
        "min_samples_leaf": Choice((0, 1, 2, 5, 10, 20)),
    },
    explained_by="sampling",
    memory=memory,
)
