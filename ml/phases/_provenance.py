"""Of what data a preprocessing step made what it left, and by which versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml.runtime.errors import DataError, UserError

if TYPE_CHECKING:
    from ml.phases._dataset import Origin
    from ml.runtime.step import Step
    from ml.tabular.schema import Schema

ARTIFACT_PROVENANCE = "provenance"


def keep(step: Step, schema: Schema, origin: Origin) -> None:
    """Keep the hashes of the data, and the versions that made the preprocessor."""
    from ml.tabular.learning import model_file

    made = model_file.made_with("scikit-learn")
    record = {"data": [schema.hash, *origin.ancestors], "made_with": made}
    step.artifact_json(ARTIFACT_PROVENANCE, record)


def kept(step: Step, task: str, where: str) -> dict[str, Any] | None:
    """What :func:`keep` kept; None of an older step, which kept no such thing.

    Returns
    -------
    dict or None
        ``data``: the hash of the data set, then those of the sets that it was made of;
        ``made_with``: package → version.
    """
    try:
        return step.fetch_json(task, ARTIFACT_PROVENANCE, where)
    except DataError:
        # it is there, and cannot be had
        raise
    except UserError:
        return None
