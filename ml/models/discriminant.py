"""Linear discriminant analysis: classes as clouds of one shape, told apart by planes."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import CLASSES, Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of linear discriminant analysis."""

    shrinkage: float = Field(
        0.001, ge=0, le=1, description="share of the plain variances in the clouds' shape"
    )


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator; the least-squares solver needs no inverse."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=parameters.shrinkage)


MODEL = Model(
    name="discriminant",
    help="linear, for classes alone; strong where few rows tell classes apart",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={"shrinkage": Range(1e-4, 1.0, log=True)},
    explained_by="linear",
    kinds=CLASSES,
)
