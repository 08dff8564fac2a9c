"""A support vector machine with a Gaussian kernel, of scikit-learn."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range

# what libsvm keeps of the kernel at most
CACHE_MEGABYTES = 200


class Parameters(ModelParameters):
    """Of the support vector machine."""

    penalty: float = Field(1.0, gt=0, le=1e6, description="cost of an error (C)")
    width: float = Field(
        1.0, gt=0, le=1e3, description="factor of the usual gamma, 1 / (inputs x their variance)"
    )
    epsilon: float = Field(
        0.1, ge=0, le=10, description="error that costs nothing, in deviations of the target"
    )


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """An estimator with probabilities."""
    from ml.tabular.learning.support_vectors import SupportVectors

    return SupportVectors(
        kind=kind, seed=seed, cache_megabytes=CACHE_MEGABYTES, **parameters.model_dump()
    )


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The inputs clipped, copied by libsvm and kept as support vectors; the kernel's cache."""
    return rows * inputs * 8 * 3 + CACHE_MEGABYTES * 10**6


MODEL = Model(
    name="svm",
    help="support vectors with a Gaussian kernel; smooth relations, few rows",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={
        "penalty": Range(0.03, 100.0, log=True),
        "width": Range(0.05, 10.0, log=True),
        "epsilon": Range(0.01, 0.5, log=True),
    },
    explained_by="sampling",
    memory=memory,
    # the work grows with the square of the rows and more: minutes at this number
    most_rows=30_000,
    # its probabilities are fitted on rows that are held out, so that each class has one there
    least_rows_per_class=2,
)
