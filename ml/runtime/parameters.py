"""Typed parameters of a phase, as the flat ``Section/field`` texts that ClearML stores."""

from __future__ import annotations

import difflib
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ml.runtime.errors import UserError

ParameterModel = TypeVar("ParameterModel", bound=BaseModel)

# sections that ClearML writes on a task by itself; they are no fields of a phase
FOREIGN_SECTIONS = frozenset({"properties", "pipeline", "Args", "General"})


class Section(BaseModel):
    """The base of a section: its fields can be read, not changed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True
    )


# what a free section shows where it holds nothing: the place of a field to come
FREE_FIELD = "(column)"


class FreeSection(Section):
    """The base of a section whose fields a user names; its docstring is their help.

    Parameters
    ----------
    texts : dict of str to str
        Name → text as it was given. :data:`FREE_FIELD` is none of them.
    """

    texts: dict[str, str] = {}


@dataclass(frozen=True)
class Field:
    """One editable field of a phase.

    Parameters
    ----------
    section, name : str
        Together ``Section/field``.
    type : str
        ``int``, ``float``, ``bool`` or ``str``.
    default : str
        The default as text.
    help : str
        One line for the person who edits it; a closed choice ends it with its values.
    """

    section: str
    name: str
    type: str
    default: str
    help: str

    @property
    def path(self) -> str:
        """The field as a user writes it."""
        return f"{self.section}/{self.name}"


def fields(model: type[BaseModel]) -> list[Field]:
    """The editable fields of a parameter model, in the order they were written."""
    found = []
    for section, section_info in model.model_fields.items():
        if section in free_sections(model):
            found.append(Field(section, FREE_FIELD, "str", "", section_info.annotation.__doc__))
            continue
        for name, info in section_info.annotation.model_fields.items():
            text = info.description or ""
            if choices := _choices(info.annotation):
                text = f"{text} ({', '.join(choices)})"
            found.append(
                Field(section, name, _type_name(info.annotation), to_text(info.default), text)
            )
    return found


def free_sections(model: type[BaseModel]) -> list[str]:
    """The sections of a parameter model that take fields of any name."""
    return [
        section
        for section, info in model.model_fields.items()
        if issubclass(info.annotation, FreeSection)
    ]


def parse(model: type[ParameterModel], values: Mapping[str, str]) -> ParameterModel:
    """Check flat texts and build the parameters from them; what is absent keeps its default.

    Parameters
    ----------
    model : type
        A parameter model: one attribute per section.
    values : mapping of str to str
        ``{"Section/field": "text"}``.

    Raises
    ------
    UserError
        For unknown fields, texts of the wrong type and values out of range; all of them at once.
    """
    known = {field.path: field for field in fields(model)}
    problems: list[tuple[str, str]] = []
    free = free_sections(model)
    nested: dict[str, dict[str, Any]] = {section: {} for section in model.model_fields}
    for path, text in values.items():
        section, _, name = path.partition("/")
        if section in FOREIGN_SECTIONS:
            continue
        if section in free and name:
            if path not in known:
                nested[section].setdefault("texts", {})[name] = text
        elif path in known:
            nested[section][name] = text
        else:
            problems.append((path, f"there is no field {path!r}{_nearest(path, known)}"))
    try:
        parsed = model.model_validate(nested)
    except ValidationError as error:
        problems.extend(_explain(item, known) for item in error.errors())
    if problems:
        raise _problems_error(problems)
    return parsed


def flatten(parameters: BaseModel) -> dict[str, str]:
    """The flat texts of a parameter model: what :func:`parse` takes."""
    flat = {}
    for section, info in type(parameters).model_fields.items():
        values = getattr(parameters, section)
        if isinstance(values, FreeSection):
            flat[f"{section}/{FREE_FIELD}"] = ""
            flat |= {f"{section}/{name}": text for name, text in values.texts.items()}
            continue
        for name in info.annotation.model_fields:
            flat[f"{section}/{name}"] = to_text(getattr(values, name))
    return flat


def to_text(value: Any) -> str:
    """A value as ClearML stores it."""
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def parse_plain(model: type[ParameterModel], values: Mapping[str, Any], where: str):
    """Check a mapping against a flat model, such as a learning model's own parameters.

    Parameters
    ----------
    where : str
        The field that holds the mapping; problems name it.
    """
    problems = []
    for name in values:
        if name not in model.model_fields:
            near = _nearest(name, model.model_fields)
            problems.append((where, f"there is no parameter {name!r}{near}"))
    try:
        parsed = model.model_validate({k: v for k, v in values.items() if k in model.model_fields})
    except ValidationError as error:
        for item in error.errors():
            name = ".".join(str(part) for part in item["loc"])
            problems.append((where, f"{name}: {_message(item)}"))
    if problems:
        raise _problems_error(problems)
    return parsed


def json_object(text: str) -> dict[str, Any]:
    """A JSON object from a field's text; an empty text is an empty object.

    Raises
    ------
    ValueError
        With a line that says where the text stops being a JSON object.
    """
    if not text.strip():
        return {}
    value = _from_json(text)
    if not isinstance(value, dict):
        raise ValueError('is not a JSON object such as {"name": 1}')
    return value


def json_list(text: str, example: str = '["a", "b"]') -> list[Any]:
    """A JSON list from a field's text; an empty text is an empty list.

    Parameters
    ----------
    text : str
    example : str
        What one looks like, for the message.

    Raises
    ------
    ValueError
        With a line that says where the text stops being a JSON list.
    """
    if not text.strip():
        return []
    value = _from_json(text)
    if not isinstance(value, list):
        raise ValueError(f"is not a JSON list such as {example}")
    return value


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise ValueError("is not JSON of any use: it is nested too deeply") from None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ: of two equal ones, one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"names {twice!r} twice")
    return found


def _is_json_object(text: str) -> str:
    json_object(text)
    return text


JsonText = Annotated[str, AfterValidator(_is_json_object)]


def _problems_error(problems: list[tuple[str, str]]) -> UserError:
    if len(problems) == 1:
        path, message = problems[0]
        return UserError(message, where=path, mend="correct the field, or leave it at its default")
    return UserError(
        f"{len(problems)} fields are wrong: " + "; ".join(message for _, message in problems),
        where=", ".join(dict.fromkeys(path for path, _ in problems)),
        mend="correct these fields, or leave them at their defaults",
    )


def _explain(item: Mapping[str, Any], known: Mapping[str, Field]) -> tuple[str, str]:
    path = "/".join(str(part) for part in item["loc"][:2])
    if len(item["loc"]) == 1:
        # a check over several fields of a section names them itself
        return path, _message(item)
    field = known.get(path)
    expected = f" (a value of type {field.type})" if field and field.type != "str" else ""
    return path, f"{path}: {_message(item)}{expected}"


def _message(item: Mapping[str, Any]) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    given = item.get("input")
    shown = "" if isinstance(given, dict | BaseModel) else f", not {given!r}"
    return item["msg"].removeprefix("Input ") + shown


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {lowered[close[0]]!r}?"
    return f"; there are {', '.join(known)}" if known else ""


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) or '""' for choice in get_args(annotation)]
    return []


def _type_name(annotation: Any) -> str:
    base = annotation
    while get_origin(base) is Annotated:
        base = get_args(base)[0]
    if get_origin(base) is Literal:
        base = type(get_args(base)[0])
    if isinstance(base, types.UnionType):
        raise TypeError(f"a field has one type, not {annotation}")
    return {int: "int", float: "float", bool: "bool"}.get(base, "str")
