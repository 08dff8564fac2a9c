"""A linear model: ridge regression, or logistic regression with the same penalty."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of the linear model."""

    alpha: float = Field(1.0, gt=0, le=1e6, description="strength of the L2 penalty")
    max_iter: int = Field(2000, ge=1, le=100_000, description="most steps of the solver")


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if kind == "regression":
        return Ridge(alpha=parameters.alpha, random_state=seed)
    return LogisticRegression(
        C=1.0 / parameters.alpha, max_iter=parameters.max_iter, random_state=seed
    )


MODEL = Model(
    name="ridge",
    help="linear, fast, easy to explain; a baseline",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={"alpha": Range(1e-3, 1e3, log=True)},
    explained_by="linear",
)
