"""YAML with positions: plain data, and the line and column that each value came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fleet.errors import FleetError

Keys = tuple[str | int, ...]


@dataclass
class Source:
    """A YAML file as data.

    Attributes
    ----------
    file : str
        The file's name, as it is shown.
    data : object
        Plain Python data.
    marks : dict
        Path of keys → (line, column) of the key (for list items: of the item), both from 1.
    problems : list of FleetError
        Duplicate keys, which plain YAML loaders let pass with the last one winning.
    """

    file: str
    data: Any = None
    marks: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    problems: list[FleetError] = field(default_factory=list)

    def at(self, keys: Keys) -> str:
        """`file:line:column` of a value, or of its nearest ancestor that the file has."""
        while keys and keys not in self.marks:
            keys = keys[:-1]
        line, column = self.marks.get(keys, (1, 1))
        return f"{self.file}:{line}:{column}"


def read(path: Path) -> Source:
    """Read a YAML file.

    Raises
    ------
    FleetError
        The file is missing, is not text, or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FleetError(
            f"{path.name} cannot be read: {reason}",
            where=str(path),
            mend="check the path, or restore the file from git",
        ) from None
    source = Source(str(path))
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        if root is not None:
            source.data = _build(root, (), source, ancestors=())
    except RecursionError:
        raise FleetError(
            "the entries are nested too deeply", where=str(path), mend="write them flat"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise FleetError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            where=f"{path}:{line}:{column}",
            mend="check indentation, colons and quotes on that line and the one before it",
        ) from None
    return source


def _build(node: yaml.Node, keys: Keys, source: Source, ancestors: tuple[int, ...]) -> Any:
    if id(node) in ancestors:
        raise FleetError(
            "an alias refers to the entry that it stands in",
            where=source.at(keys),
            mend="write the entry out instead of using an alias",
        )
    ancestors = (*ancestors, id(node))
    source.marks.setdefault(keys, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(item, (*keys, index), source, ancestors) for index, item in enumerate(node.value)
        ]
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, keys, source, ancestors)
    return _scalar(node, source)


def _build_mapping(
    node: yaml.MappingNode, keys: Keys, source: Source, ancestors: tuple[int, ...]
) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node, source) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            source.problems.append(
                FleetError(
                    "a key is not text",
                    where=f"{source.file}:{key_node.start_mark.line + 1}"
                    f":{key_node.start_mark.column + 1}",
                    mend="use a plain word, or put the key in quotes",
                )
            )
            continue
        path = (*keys, key)
        mark = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if key in result:
            first = source.marks[path][0]
            source.problems.append(
                FleetError(
                    f"'{key}' stands here a second time; the first is in line {first}",
                    where=f"{source.file}:{mark[0]}:{mark[1]}",
                    mend="remove or rename one of the two",
                )
            )
            continue
        source.marks[path] = mark
        result[key] = _build(value_node, path, source, ancestors)
    return result


def _scalar(node: yaml.Node, source: Source) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, OverflowError) as error:
        raise FleetError(
            f"a value looks like a date or a number and is none: {error}",
            where=f"{source.file}:{node.start_mark.line + 1}:{node.start_mark.column + 1}",
            mend="put it in quotes if it is text",
        ) from None
    finally:
        loader.dispose()
