"""queues.yml as the rules see it: all of it that can be read, also where some of it cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from fleet.spec.models import Spec
from fleet.spec.positions import Keys, Source
from fleet.spec.problems import Place, Problem
from fleet.spec.wording import nearest

# Where people write sentences: a word there is no mention of a queue, group or phase.
_PROSE = ("description", "owner")


@dataclass(frozen=True)
class Contract:
    """The file's model, with holes where the file is wrong.

    Attributes
    ----------
    spec : Spec
        Of a file that does not fit the schema: a Spec in which a single value that does not fit
        is None, a section that does not fit is empty, and all else is as in the file.
    source : Source
        The file.
    bad : frozenset
        Paths of what does not fit.
    bad_names : frozenset
        Paths of entries whose name is not allowed.
    """

    spec: Spec
    source: Source
    bad: frozenset[Keys] = frozenset()
    bad_names: frozenset[Keys] = frozenset()

    def place(self, *keys: str | int) -> Place:
        """Where a value stands."""
        return self.source.place(keys)

    def problem(self, rule: str, what: str, *keys: str | int, mend: str) -> Problem:
        """A problem at the place of a value."""
        return Problem(rule, what, place=self.place(*keys), mend=mend)

    def is_unsure(self, section: str, key: str) -> bool:
        """Whether the value of a key cannot be read in one of the section's entries.

        What seems to be missing from all of them may be meant there.
        """
        return any(
            path[:1] == (section,) and (len(path) < 3 or path[2:] == (key,))
            for path in (*self.bad, *self.source.unread)
        )

    def repeated_texts(self, section: str) -> set[str]:
        """All texts of the section's entries that a duplicate key shadows."""
        return {
            text
            for path, data in self.source.repeated
            if path[0] == section
            for text in _texts(data)
        }

    def unknown(
        self, kind: str, name: str, known: Collection[str], *keys: str | int
    ) -> Iterator[Problem]:
        """The problem of a name that does not exist, unless a problem tells of the one it means."""
        meant = nearest(name, known)
        if any((section, meant) in self.bad_names for section in ("images", "node_groups")):
            return
        rule = f"unknown-{kind.replace(' ', '-')}"
        hint = f"did you mean '{meant}'? " if meant else ""
        mend = f"{hint}there are: {', '.join(known)}"
        yield self.problem(rule, f"{kind} '{name}' does not exist", *keys, mend=mend)


def draft(source: Source, bad: frozenset[Keys], bad_names: frozenset[Keys]) -> Contract:
    """The contract of a file that does not fit the schema."""
    return Contract(_model(Spec, source.data, (), bad | source.unread), source, bad, bad_names)


def _model(model: type[BaseModel], data: Any, keys: Keys, bad: frozenset[Keys]) -> Any:
    given = data if isinstance(data, dict) and keys not in bad else {}
    fields = model.model_fields
    # A misspelled key is no reason to count with the default of the one that it means.
    meant = {nearest(name, fields) for name in given if name not in fields} - {None, *given}
    values = {}
    for name, info in fields.items():
        if name in given:
            values[name] = _value(info.annotation, given[name], (*keys, name), bad)
        elif info.is_required() or name in meant:
            values[name] = _hole(info.annotation)
    return model.model_construct(**values)


def _value(annotation: Any, data: Any, keys: Keys, bad: frozenset[Keys]) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation, data, keys, bad)
    if keys in bad:
        return _hole(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return {name: _value(arguments[1], item, (*keys, name), bad) for name, item in data.items()}
    if origin is list:
        return [_value(arguments[0], item, (*keys, at), bad) for at, item in enumerate(data)]
    return data


def _hole(annotation: Any) -> Any:
    """What stands for a value that is missing or does not fit."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation, {}, (), frozenset())
    return {dict: {}, list: []}.get(get_origin(annotation))


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for item in data:
            yield from _texts(item)
    elif isinstance(data, dict):
        for key, item in data.items():
            if key not in _PROSE:
                yield from _texts(item)
