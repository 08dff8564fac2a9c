"""The rules for what is shown of a step, in one place, and a look at what was really shown.

Fields are few, typed and explained. User properties are the summary that one wants in a table.
Plots are for deciding: a phase has few, and a parent never repeats its children's. Names, tags and
properties follow :mod:`ml.runtime.conventions`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.runtime import conventions as names
from ml.runtime.parameters import FOREIGN_SECTIONS, FREE_FIELD

PIPELINE = "pipeline"

MAX_PLOTS = 4
MAX_FIELDS = 16
MAX_PROPERTY_LENGTH = 500
MAX_HELP_LENGTH = 400
FIELD_TYPES = frozenset({"int", "float", "bool", "str"})

# what a person chooses a model by
_MORE_PLOTS = {"training-summary": 5}
# it asks in one place for what its phases ask for
_MORE_FIELDS = {PIPELINE: 28}
_PROPERTIES = frozenset(
    value for name, value in vars(names).items() if name.startswith("PROPERTY_")
)
_OBJECTS = (names.CONFIGURATION_OBJECT, names.ENVIRONMENT_OBJECT)
_ARTIFACTS = (names.ARTIFACT_CONFIGURATION, names.ARTIFACT_FINGERPRINT)


def max_plots(phase: str) -> int:
    """How many plots and tables a step of a phase may show."""
    return _MORE_PLOTS.get(phase, MAX_PLOTS)


def max_fields(phase: str) -> int:
    """How many fields a phase may ask for."""
    return _MORE_FIELDS.get(phase, MAX_FIELDS)


class PlotBudget:
    """Counts the plots and tables of one step.

    Parameters
    ----------
    phase : str
        Named in the error; it says how many there may be.
    """

    def __init__(self, phase: str) -> None:
        self._phase = phase
        self._limit = max_plots(phase)
        self._titles: list[str] = []

    def take(self, title: str) -> None:
        """Count one more; a programming error if it is one too many, or there already."""
        if title in self._titles:
            raise ValueError(f"phase {self._phase} shows the plot {title!r} twice")
        if len(self._titles) >= self._limit:
            raise ValueError(
                f"phase {self._phase} shows more than {self._limit} plots: "
                f"{', '.join([*self._titles, title])}"
            )
        self._titles.append(title)


def property_texts(values: Mapping[str, object]) -> dict[str, str]:
    """User properties as texts fit for a table's cell: one line, numbers in six digits."""
    return {name: _cell(value) for name, value in values.items()}


@dataclass(frozen=True)
class ShownField:
    """A hyper-parameter as the web interface shows it."""

    path: str
    type: str
    help: str

    @property
    def section(self) -> str:
        """The part before the field's own name."""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class ShownPlot:
    """A plot or table as the server has it; `digest` is of what it shows."""

    title: str
    series: str
    digest: str


@dataclass(frozen=True)
class TaskView:
    """A task as a person sees it.

    Parameters
    ----------
    phase, run_id, name : str
        Phase and run as its tags tell them.
    tags : tuple of str
    status : str
    fields : tuple of ShownField
    properties : mapping
    plots : tuple of ShownPlot
    objects, artifacts : frozenset of str
        The names of its configuration objects and of its artifacts.
    """

    phase: str
    run_id: str
    name: str
    tags: tuple[str, ...]
    status: str = "completed"
    fields: tuple[ShownField, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    plots: tuple[ShownPlot, ...] = ()
    objects: frozenset[str] = frozenset()
    artifacts: frozenset[str] = frozenset()


def read_view(task: Mapping[str, Any], plots: Sequence[Mapping[str, Any]]) -> TaskView:
    """A task from the server's answers.

    Parameters
    ----------
    task : mapping
        As `tasks.get_by_id` gives it.
    plots : sequence of mapping
        The events of `events.get_task_plots`.
    """
    sections = task.get("hyperparams") or {}
    properties = sections.get("properties") or {}
    tags = tuple(task.get("tags") or ())
    artifacts = (task.get("execution") or {}).get("artifacts") or ()
    return TaskView(
        phase=names.phase_of(tags),
        run_id=names.run_id_of(tags),
        name=task.get("name") or "",
        tags=tags,
        status=task.get("status") or "",
        fields=tuple(
            ShownField(f"{section}/{name}", item.get("type") or "", item.get("description") or "")
            for section, items in sections.items()
            if section not in FOREIGN_SECTIONS
            for name, item in items.items()
        ),
        properties={name: str(item.get("value") or "") for name, item in properties.items()},
        plots=tuple(
            ShownPlot(
                plot["metric"],
                plot["variant"],
                hashlib.sha256(str(plot.get("plot_str")).encode()).hexdigest(),
            )
            for plot in plots
        ),
        objects=frozenset(task.get("configuration") or ()),
        artifacts=frozenset(item["key"] for item in artifacts if item.get("mode") != "input"),
    )


def violations(task: TaskView, children: Sequence[TaskView] = ()) -> list[str]:
    """What of a task breaks the rules, a sentence each; nothing where all is well.

    Parameters
    ----------
    task : TaskView
        One that has ended.
    children : sequence of TaskView
        The steps that a summary or a controller stands over.
    """
    found = [*_named(task), *_fields(task), *_properties(task), *_plots(task, children)]
    if task.status in ("completed", "published"):
        found += _kept(task)
    return [f"{task.name or task.phase}: {one}" for one in found]


def children_of(task: TaskView, run: Sequence[TaskView]) -> list[TaskView]:
    """The steps of a run that a step stands over: none unless it is a summary or a controller."""
    if task.phase == PIPELINE:
        return [one for one in run if one.phase != PIPELINE]
    if task.phase == "training-summary":
        return [one for one in run if one.phase == "training"]
    if task.phase == "inference-summary":
        return [
            one for one in run if one.phase.startswith("inference-") and one.phase != task.phase
        ]
    return []


def _named(task: TaskView) -> Iterator[str]:
    if not task.phase or not task.run_id:
        yield f"its tags name no phase or no run: {', '.join(task.tags) or 'there are none'}"
        return
    wanted = names.step_tags(task.tags, task.phase, task.run_id)
    kept = [tag for tag in task.tags if tag != names.DIFFERS_TAG]
    if sorted(kept) != sorted(wanted):
        yield f"its tags are {', '.join(sorted(task.tags))}; wanted {', '.join(sorted(wanted))}"
    if not (task.name.startswith(task.phase) and task.name.endswith(task.run_id)):
        yield f"its name is not {names.task_name(task.phase, task.run_id, '…')}"
    if task.properties.get(names.PROPERTY_RUN_ID) != task.run_id:
        yield f"its property {names.PROPERTY_RUN_ID} is not its run's id"


def _fields(task: TaskView) -> Iterator[str]:
    limit = max_fields(task.phase)
    # in a section with a place for fields to come, the others are its user's own
    free = {one.section for one in task.fields if one.path.endswith(f"/{FREE_FIELD}")}
    declared = [
        one for one in task.fields if one.section not in free or one.path.endswith(f"/{FREE_FIELD}")
    ]
    if len(declared) > limit:
        yield f"it has {len(declared)} fields; {limit} are allowed"
    for one in declared:
        if one.type not in FIELD_TYPES:
            yield f"the field {one.path} has the type {one.type or 'none'!r}"
        if not one.help or "\n" in one.help or len(one.help) > MAX_HELP_LENGTH:
            yield f"the field {one.path} has no line of help of up to {MAX_HELP_LENGTH} characters"


def _properties(task: TaskView) -> Iterator[str]:
    for name, value in task.properties.items():
        if name not in _PROPERTIES:
            yield f"no convention names its property {name}"
        if len(value) > MAX_PROPERTY_LENGTH or "\n" in value:
            yield f"its property {name} is no line of up to {MAX_PROPERTY_LENGTH} characters"


def _plots(task: TaskView, children: Sequence[TaskView]) -> Iterator[str]:
    limit = max_plots(task.phase)
    if len(task.plots) > limit:
        titles = ", ".join(plot.title for plot in task.plots)
        yield f"it shows {len(task.plots)} plots, {limit} are allowed: {titles}"
    for (title, series), number in Counter((p.title, p.series) for p in task.plots).items():
        if number > 1:
            yield f"it shows the plot {title!r} {number} times ({series})"
    for child in children:
        theirs = {(plot.title, plot.series) for plot in child.plots}
        digests = {plot.digest for plot in child.plots}
        for plot in task.plots:
            if (plot.title, plot.series) in theirs or plot.digest in digests:
                yield f"it repeats the plot {plot.title!r} of {child.name}"


def _kept(task: TaskView) -> Iterator[str]:
    for name in _OBJECTS:
        if name not in task.objects:
            yield f"it has no configuration object {name}"
    for name in _ARTIFACTS:
        if name not in task.artifacts:
            yield f"it has no artifact {name}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    if len(text) <= MAX_PROPERTY_LENGTH:
        return text
    return text[: MAX_PROPERTY_LENGTH - 1] + "…"
