"""What pydantic finds in queues.yml, told in the words of the file: one problem for each place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fleet.spec.positions import Keys, Source
from fleet.spec.problems import Problem
from fleet.spec.schema import node_at, resolve, schema
from fleet.spec.wording import hint, label, listed, nearest, shown

# What a name may be, by the section that it stands in.
_NAMES = {
    ("images",): "an image's name is of a-z, 0-9, '.', '_' and -",
    ("node_groups",): "a group's name is of letters, digits and _, as Ansible's groups are",
    ("queues",): "a queue's name has at least 3 characters of a-z, 0-9 and -: ClearML refuses "
    "shorter ones",
    ("policy", "access", "groups"): "a group's name is text without blanks around it",
}


def problems(errors: Iterable[dict[str, Any]], source: Source) -> list[Problem]:
    """A problem for each place that pydantic complains of.

    Parameters
    ----------
    errors : iterable of dict
        As `ValidationError.errors()` gives them.
    source : Source
        The file that was validated.
    """
    told = {}
    for error in errors:
        keys = place_of(error, source)
        if keys not in source.unread and not _is_misspelled(error, keys, source):
            # The branches of a union complain one by one of the same place.
            told.setdefault((keys, is_name(error)), _problem(error, keys, source))
    return list(told.values())


def place_of(error: dict[str, Any], source: Source) -> Keys:
    """The path of keys in the file: without what pydantic adds for keys and for unions."""
    keys = tuple(key for key in error["loc"] if key != "[key]")
    if error["type"] == "missing":
        return keys
    while keys and keys not in source.marks:
        keys = keys[:-1]
    return keys


def is_name(error: dict[str, Any]) -> bool:
    """Whether pydantic complains of an entry's name, and not of the entry."""
    return "[key]" in error["loc"]


def expected(keys: Keys, value: Any) -> tuple[str, str]:
    """What may stand at a path of the file, and how to mend a value that may not.

    Parameters
    ----------
    keys : tuple
        The path.
    value : object
        The wrong value.
    """
    node = node_at(keys)
    about = _about(keys, node)
    node = resolve(node) if node else {}
    return _expected(node), _value_mend(value, node, about)


def _problem(error: dict[str, Any], keys: Keys, source: Source) -> Problem:
    place = source.place(keys)
    if is_name(error):
        return Problem(
            "bad-name",
            f"the name {shown(keys[-1])} is not allowed",
            place=place,
            mend=_name_mend(keys),
        )
    if error["type"] == "extra_forbidden":
        return Problem(
            "unknown-key", f"unknown key '{label(keys)}'", place=place, mend=_key_mend(keys)
        )
    if error["type"] == "missing":
        about = _about(keys, node_at(keys))
        return Problem(
            "missing-key",
            f"'{label(keys)}' is missing",
            place=place,
            mend=f"add {about}" if about else f"add `{keys[-1]}:`",
        )
    value = error["input"] if keys in ((), None) else _value_at(keys, source)
    wanted, mend = expected(keys, value)
    return Problem(
        "bad-value",
        f"'{label(keys)}' is {_shown(value, keys)}, not {wanted}",
        place=place,
        mend=mend,
    )


def _shown(value: Any, keys: Keys) -> str:
    # A secret may stand where its variable's name belongs: messages go to logs.
    if keys[-1:] == ("credentials",) and isinstance(value, str):
        return "something else"
    return shown(value)


def _value_at(keys: Keys, source: Source) -> Any:
    value = source.data
    for key in keys:
        value = value[key]
    return value


# ----- mends


def _name_mend(keys: Keys) -> str:
    name = str(keys[-1])
    mend = _NAMES.get(keys[:-1], "use plain letters, digits and -")
    joint = "_" if keys[0] == "node_groups" else "-"
    plain = "".join(letter if letter.isascii() and letter.isalnum() else joint for letter in name)
    plain = joint.join(part for part in plain.lower().split(joint) if part)
    if len(plain) > 2 and plain != name and not (joint == "_" and plain[0].isdigit()):
        mend += f"; such as {plain}"
    return mend


def _key_mend(keys: Keys) -> str:
    known = _known_keys(keys[:-1])
    here = f"{hint(keys[-1], known)}known here: {', '.join(known)}"
    if nearest(keys[-1], known):
        return here
    homes = [
        name
        for name, definition in schema()["$defs"].items()
        if keys[-1] in definition["properties"]
    ]
    words = [_HOMES[name] for name in homes if name in _HOMES and name != _model_name(keys[:-1])]
    return f"it is a key of {listed(words)}; {here}" if words else here


_HOMES = {
    "Image": "an image",
    "NodeGroup": "a node group",
    "Limits": "a node group's `limits`",
    "DataAccess": "a node group's `data`",
    "Queue": "a queue",
    "Policy": "`policy`",
    "Access": "`policy.access`",
}


def _model_name(keys: Keys) -> str:
    node = node_at(keys) or {}
    return node.get("$ref", "").rpartition("/")[2]


def _known_keys(keys: Keys) -> list[str]:
    node = node_at(keys)
    return list(resolve(node).get("properties", {})) if node else []


def _is_misspelled(error: dict[str, Any], keys: Keys, source: Source) -> bool:
    """Whether a missing key is there under a wrong name, which is told already."""
    if error["type"] != "missing":
        return False
    known = _known_keys(keys[:-1])
    present = _value_at(keys[:-1], source)
    unknown = [name for name in present if name not in known]
    return any(nearest(name, known) == keys[-1] for name in unknown)


def _value_mend(value: Any, node: dict[str, Any], about: str) -> str:
    mend = _quick_mend(value, list(_branches(node)))
    if about:
        return f"{mend}; {about}" if mend and not mend.endswith("?") else f"{mend} {about}".strip()
    return mend or "see the comments in queues.yml"


def _quick_mend(value: Any, branches: list[dict[str, Any]]) -> str:
    """What most likely was meant, or how such a value is written; empty where nobody knows."""
    types = {branch.get("type") for branch in branches if not _words(branch)}
    words = [word for branch in branches for word in _words(branch)]
    if isinstance(value, str):
        if hint(value, words):
            return hint(value, words).strip()
        if _is_plain(value, types):
            return "write it without quotes"
        if value != value.strip():
            return "remove the blanks around it"
    elif "string" in types and isinstance(value, int | float):
        return "put it in quotes if it is meant as text"
    if "array" in types and value is not None:
        plain = isinstance(value, str) and value.isprintable() and len(value) < 40
        example = value if plain and value.strip() else "one, two"
        return "add at least one" if value == [] else f"write a list, such as [{example}]"
    if "object" in types:
        return "add an entry" if value == {} else "write lines of `key: value`, indented below it"
    return ""


def _is_plain(value: str, types: set[str | None]) -> bool:
    if value in ("true", "false"):
        return "boolean" in types
    return value.isdigit() and bool(types & {"integer", "number"})


def _about(keys: Keys, node: dict[str, Any] | None) -> str:
    """`key: its line of help`, of the value or of the field that it is an item of."""
    while keys:
        if node and "description" in node and isinstance(keys[-1], str):
            return f"`{keys[-1]}`: {node['description']}"
        keys = keys[:-1]
        node = node_at(keys)
    return ""


# ----- what may stand there


def _expected(node: dict[str, Any]) -> str:
    words: dict[str, None] = {}
    for branch in _branches(node):
        for word in _words(branch) or [_kind(branch)]:
            words.setdefault(word)
    return listed(words) or "what belongs here"


def _branches(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for branch in node.get("anyOf", [node]):
        branch = resolve(branch)
        if branch.get("type") != "null":
            yield {"examples": node.get("examples", []), **branch}


def _words(branch: dict[str, Any]) -> list[str]:
    """The words that a branch allows, if it allows nothing else."""
    if "const" in branch:
        return [str(branch["const"])]
    return [str(word) for word in branch.get("enum", [])]


def _kind(branch: dict[str, Any]) -> str:
    kind = branch.get("type")
    if kind in ("integer", "number"):
        whole = "a whole number" if kind == "integer" else "a number"
        return f"{whole} from {branch['minimum']:g} to {branch['maximum']:g}"
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        return "a list of at least one" if branch.get("minItems") else "a list"
    if kind == "object":
        return "a mapping with at least one entry" if branch.get("minProperties") else "a mapping"
    examples = branch.get("examples")
    return f"text such as {examples[0]}" if examples else "text"
