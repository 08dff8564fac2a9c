"""Names, tags and properties: how any task of a run is found by its run_id alone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

TEMPLATE_PROJECT = "fleet/templates"
RUN_PROJECT = "fleet/runs"
DATASET_PROJECT = "fleet/datasets"

STABLE = "stable"
TEMPLATE_TAG = "template"
DIFFERS_TAG = "differs"

# user properties: the summary that one wants in the table of tasks
PROPERTY_RUN_ID = "run_id"
PROPERTY_DATASET = "dataset"
PROPERTY_DATASET_ID = "dataset_id"
PROPERTY_ROWS = "rows"
PROPERTY_TARGET = "target"
PROPERTY_KIND = "kind"
PROPERTY_MODEL = "model"
PROPERTY_METRIC = "metric"
PROPERTY_SCORE = "score"
PROPERTY_BEST_MODEL = "best_model"
PROPERTY_FAILED_MODELS = "failed_models"
# of a training step: why its model, which is not made for the data, was not tried
PROPERTY_LEFT_OUT = "left_out"
PROPERTY_TRAINING_SUMMARY = "training_summary"
PROPERTY_INFERENCE_SUMMARY = "inference_summary"
PROPERTY_PREDICTION = "prediction"
PROPERTY_CAUTION = "caution"
PROPERTY_DRIFT = "drift"
PROPERTY_SKIPPED_ROWS = "skipped_rows"
PROPERTY_FAILURE_CLASS = "failure_class"
PROPERTY_FAILURE = "failure"
PROPERTY_DIFFERENCES = "differences"
PROPERTY_ENVIRONMENT = "environment"
# what an agent writes on a task that it puts back into its queue
PROPERTY_PUT_BACK = "put_back"
REASON_PUT_BACK = "put back by its agent"
# what a step sets at its end: a clone bears its source's until it has its own
RESULT_PROPERTIES = (
    PROPERTY_SCORE,
    PROPERTY_BEST_MODEL,
    PROPERTY_FAILED_MODELS,
    PROPERTY_LEFT_OUT,
    PROPERTY_TRAINING_SUMMARY,
    PROPERTY_INFERENCE_SUMMARY,
    PROPERTY_PREDICTION,
    PROPERTY_CAUTION,
    PROPERTY_DRIFT,
    PROPERTY_SKIPPED_ROWS,
    PROPERTY_FAILURE_CLASS,
    PROPERTY_FAILURE,
    PROPERTY_DIFFERENCES,
    PROPERTY_ENVIRONMENT,
)

# configuration objects
ROUTING_OBJECT = "routing"
CONFIGURATION_OBJECT = "configuration"
STEPS_OBJECT = "steps"
ENVIRONMENT_OBJECT = "environment"

# the runtime property by which the SDK's pipeline controller knows that it began before
RUNTIME_BEGUN = "_pipeline_hash"

# artifacts that other steps or the command line read
ARTIFACT_CONFIGURATION = "configuration"
ARTIFACT_FINGERPRINT = "fingerprint"
ARTIFACT_REPORT = "report"
# of a controller that has begun: what a run made goes with a reset, and no clone has it
ARTIFACT_BEGUN = "begun"
ARTIFACT_LEADERBOARD = "leaderboard"
ARTIFACT_SUMMARY = "summary"
ARTIFACT_PREDICTIONS = "predictions"

# a clone bears these tags of the task that it was made from
_OF_ITS_SOURCE = (TEMPLATE_TAG, DIFFERS_TAG)

_RUN_PREFIX = "run:"
_PHASE_PREFIX = "phase:"
_CHANNEL_PREFIX = "channel:"
_MARK_PREFIX = f"{TEMPLATE_TAG}:"
# where ClearML puts what it shows in the archive alone
_ARCHIVED = "archived"


def new_run_id(now: datetime | None = None) -> str:
    """A new run id: sortable by time, unique without a server, short enough to type.

    Parameters
    ----------
    now : datetime, optional
        The time to build it from; the present, in UTC, by default.
    """
    moment = now or datetime.now(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def run_tag(run_id: str) -> str:
    """The tag that every task of a run bears."""
    return _RUN_PREFIX + run_id


def phase_tag(phase: str) -> str:
    """The tag that every task of a phase bears."""
    return _PHASE_PREFIX + phase


def channel_tag(channel: str) -> str:
    """The tag that says where a template's version stands."""
    return _CHANNEL_PREFIX + channel


def template_mark(task_id: str) -> str:
    """The tag by which publishing says that this very task is a template.

    It holds the task's own id: a clone bears the mark of what it was made from, not its own.
    """
    return _MARK_PREFIX + task_id


def template_tags(phase: str, channel: str = STABLE) -> list[str]:
    """The tags of a template without its mark: what it is, its phase, its channel."""
    return [TEMPLATE_TAG, phase_tag(phase), channel_tag(channel)]


def bears_own_mark(task_id: str, tags: Iterable[str]) -> bool:
    """Whether publishing made a task, whatever became of it since."""
    return template_mark(task_id) in tags


def bears_a_mark(tags: Iterable[str]) -> bool:
    """Whether a task is a template or was made from one, as its tags say."""
    return any(tag.startswith(_MARK_PREFIX) for tag in tags)


def is_template(task: Mapping[str, Any]) -> bool:
    """Whether a task may be taken for a template: marked as one, a draft, and not archived.

    Parameters
    ----------
    task : mapping
        `id`, `tags`, `system_tags` and `status`, as the server gives them.
    """
    return (
        task.get("status") == "created"
        and bears_own_mark(task["id"], task.get("tags") or ())
        and _ARCHIVED not in (task.get("system_tags") or ())
    )


def channel_of(tags: Iterable[str]) -> str:
    """The channel in a template's tags, or an empty text."""
    prefix = _CHANNEL_PREFIX
    return next((tag[len(prefix) :] for tag in tags if tag.startswith(prefix)), "")


def run_id_of(tags: Iterable[str]) -> str:
    """The run id in a task's tags, or an empty text."""
    return next((tag[len(_RUN_PREFIX) :] for tag in tags if tag.startswith(_RUN_PREFIX)), "")


def phase_of(tags: Iterable[str]) -> str:
    """The phase in a task's tags, or an empty text."""
    return next((tag[len(_PHASE_PREFIX) :] for tag in tags if tag.startswith(_PHASE_PREFIX)), "")


def step_tags(tags: Iterable[str], phase: str, run_id: str) -> list[str]:
    """The tags of a task of a run: a clone's own, without what marks a template."""
    kept = [
        tag
        for tag in tags
        if tag not in _OF_ITS_SOURCE
        and not tag.startswith((_MARK_PREFIX, _CHANNEL_PREFIX, _RUN_PREFIX, _PHASE_PREFIX))
    ]
    return [*kept, phase_tag(phase), run_tag(run_id)]


def task_name(phase: str, run_id: str, detail: str | None = None) -> str:
    """The name of a task of a run, such as ``training ridge 20261123-165558-3f2a``."""
    return " ".join(part for part in (phase, detail, run_id) if part)


def step_name(phase: str, detail: str | None = None) -> str:
    """The name of a step within its pipeline, such as ``training-ridge``."""
    return f"{phase}-{slug(detail)}" if detail else phase


def slug(text: str) -> str:
    """A text with only letters, digits, underscores and hyphens, for names and paths."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")
