"""queues.yml as the rules see it: all of it that can be read, also where some of it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    """

    spec: Spec
    source: Source
    bad: frozenset[Keys] = field(default_factory=frozenset)

    def place(self, *keys: str | int) -> Place:
        """Where a value stands."""
        return self.source.place(keys)

    def problem(self, rule: str, what: str, *keys: str | int, mend: str) -> Problem:
        """A problem at the place of a value."""
        return Problem(rule, what, place=self.place(*keys), mend=mend)

    def doubtful_texts(self, section: str) -> set[str]:
        """All texts of the section's entries that cannot be read in full.

        A rule that misses something must not miss what one of them was meant to say.
        """
        texts: set[str] = set()
        entries = self.source.data.get(section)
        for path in {*self.bad, *self.source.unread}:
            if path == (section,) or (path[:1] == (section,) and not isinstance(entries, Mapping)):
                texts.update(_texts(entries))
            elif path[:1] == (section,):
                texts.update(_texts(entries.get(path[1])))
        for path, data in self.source.repeated:
            if path[0] == section:
                texts.update(_texts(data))
        return texts


def draft(source: Source, bad: frozenset[Keys]) -> Contract:
    """The contract of a file that does not fit the schema."""
    return Contract(_model(Spec, source.data, (), bad | source.unread), source, bad)


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
