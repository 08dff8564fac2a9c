"""A random forest of scikit-learn."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Choice, Model, ModelParameters, Range

# a node as scikit-learn stores it, without the values of its outputs
NODE_BYTES = 64
# of the rows that a tree is grown on, those that are drawn at least once
_DISTINCT_SHARE = 0.632


class Parameters(ModelParameters):
    """Of the random forest."""

    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees")
    max_depth: int = Field(0, ge=0, le=1000, description="levels per tree; 0 is no limit")
    min_samples_leaf: int = Field(1, ge=1, le=1_000_000, description="fewest rows in a leaf")
    max_features: float = Field(
        0.0, ge=0, le=1, description="share of inputs tried per split; 0 is 1/3, or for classes √"
    )
    bootstrap: bool = Field(
        True, description="whether each tree is grown on rows drawn with replacement"
    )


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    is_number = kind == "regression"
    # what each was found to do well with by L. Breiman: a third of the inputs for numbers, their
    # square root for classes
    usual = 1 / 3 if is_number else "sqrt"
    options = {
        "n_estimators": parameters.n_estimators,
        "max_depth": parameters.max_depth or None,
        "min_samples_leaf": parameters.min_samples_leaf,
        "max_features": parameters.max_features or usual,
        "bootstrap": parameters.bootstrap,
        "n_jobs": threads,
        "random_state": seed,
    }
    return RandomForestRegressor(**options) if is_number else RandomForestClassifier(**options)


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The trees, and the matrix in single precision."""
    drawn = rows * (_DISTINCT_SHARE if parameters.bootstrap else 1.0)
    leaves = max(1.0, drawn / parameters.min_samples_leaf)
    if parameters.max_depth:
        leaves = min(leaves, 2.0 ** min(parameters.max_depth, 60))
    nodes = 2 * leaves * parameters.n_estimators
    return int(nodes * (NODE_BYTES + 8 * outputs) + rows * inputs * 4)


MODEL = Model(
    name="random_forest",
    help="many deep trees, averaged; needs no tuning",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={
        "n_estimators": Range(100, 600),
        "min_samples_leaf": Range(1, 32, log=True),
        "max_features": Choice((0.0, 0.2, 0.35, 0.5, 0.75, 1.0)),
        "bootstrap": Choice((True, False)),
    },
    explained_by="tree",
    memory=memory,
)
