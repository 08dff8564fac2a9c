"""Load queues.yml: every problem at once, each with file, line, column and how to mend it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fleet.errors import FleetError, raise_all
from fleet.spec import positions, rules
from fleet.spec.models import VERSION, Spec

SPEC_FILE = Path(__file__).resolve().parents[2] / "queues.yml"


def load(path: Path | str = SPEC_FILE) -> Spec:
    """Read, check and return the contract.

    Parameters
    ----------
    path : path
        queues.yml, by default the repository's own.

    Raises
    ------
    FleetError, FleetErrors
        All that is wrong with the file.
    """
    source = positions.read(Path(path))
    if not isinstance(source.data, dict):
        raise FleetError(
            "the file holds no mapping",
            where=source.at(()),
            mend="start from the queues.yml of the repository's history: git log -- queues.yml",
        )
    _check_version(source)
    try:
        spec = Spec.model_validate(source.data)
    except ValidationError as error:
        problems = [_explain(item, source) for item in error.errors(include_url=False)]
        raise_all([*source.problems, *problems])
        raise  # unreachable: a ValidationError has at least one item
    raise_all([*source.problems, *rules.check(spec, source)])
    return spec


def _check_version(source: positions.Source) -> None:
    version = source.data.get("version")
    if version == VERSION and not isinstance(version, bool):
        return
    if isinstance(version, int) and version > VERSION:
        mend = "update this checkout: the file was written for a newer one"
    else:
        mend = f"write `version: {VERSION}`"
    what = "the key 'version' is missing" if version is None else f"version {version!r} is unknown"
    raise FleetError(what, where=source.at(("version",)), mend=mend)


def _explain(item: dict[str, Any], source: positions.Source) -> FleetError:
    # pydantic adds "[key]" for a mapping's key, and names the branch of a union: neither is a
    # place in the file.
    keys = tuple(key for key in item["loc"] if key != "[key]")
    while keys and keys not in source.marks and item["type"] != "missing":
        keys = keys[:-1]
    name = ".".join(str(key) for key in keys)
    where = source.at(keys)
    kind = item["type"]
    if kind == "extra_forbidden":
        known = _known_keys(keys[:-1])
        nearest = difflib.get_close_matches(str(keys[-1]), known, n=1)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        return FleetError(
            f"unknown key '{name}'", where=where, mend=f"{hint}known here: {', '.join(known)}"
        )
    if kind == "missing":
        return FleetError(f"'{name}' is missing", where=where, mend=f"add `{keys[-1]}:`")
    if "[key]" in item["loc"]:
        return FleetError(
            f"the name '{keys[-1]}' is not allowed: {item['msg']}",
            where=where,
            mend="queues: at least 3 characters of a-z, 0-9 and -; groups: as Ansible's groups",
        )
    return FleetError(
        f"'{name}' has a value that does not fit: {item['msg']} (found {item['input']!r})",
        where=where,
        mend=_help(keys, item) or "see the comments in queues.yml",
    )


def _known_keys(keys: positions.Keys) -> list[str]:
    model = _model_at(keys)
    return sorted(model.model_fields) if model else []


def _help(keys: positions.Keys, item: dict[str, Any]) -> str | None:
    if item["type"] in ("dict_type", "model_type"):
        return "write a mapping here: lines of `key: value`, indented below it"
    if item["type"] == "list_type":
        return "write a list here, such as [one, two]"
    for end in range(len(keys), 0, -1):
        model = _model_at(keys[: end - 1])
        if model and keys[end - 1] in model.model_fields:
            return f"{keys[end - 1]}: {model.model_fields[keys[end - 1]].description}"
    return None


def _model_at(keys: positions.Keys) -> type[BaseModel] | None:
    """The model whose fields stand at a place of the file, if it is one."""
    model: Any = Spec
    for key in keys:
        if isinstance(model, type) and issubclass(model, BaseModel):
            if key not in model.model_fields:
                return None
            model = model.model_fields[key].annotation
        else:  # dict[name, Model]: any key leads to the model
            arguments = get_args(model)
            model = arguments[1] if len(arguments) == 2 else None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None
