"""YAML with positions: plain data, and the line and column that each value came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from fleet.spec.files import read_text
from fleet.spec.problems import Place, Problem
from fleet.spec.wording import shown

Keys = tuple[str | int, ...]

# A few lines of YAML can stand for millions of entries, by aliases to aliases.
_MAX_ENTRIES = 20_000
_MAX_DEPTH = 50
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE_TAG = "tag:yaml.org,2002:merge"


@dataclass
class Source:
    """A YAML file as data.

    Attributes
    ----------
    file : str
        The file's name, as it is shown.
    data : object
        Plain Python data; None where the file cannot be read as YAML.
    marks : dict
        Path of keys → (line, column) of the key (for list items: of the item), both from 1.
    problems : list of Problem
        What is wrong with the file as YAML, such as duplicate keys, which plain YAML loaders let
        pass with the last one winning.
    unread : set
        Paths whose value could not be read; their problem is told, and their data is None.
    repeated : list of (path, data)
        What stands under the second of two equal keys; `data` holds the first.
    """

    file: str
    data: Any = None
    marks: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[Keys] = field(default_factory=set)
    repeated: list[tuple[Keys, Any]] = field(default_factory=list)

    def place(self, keys: Keys) -> Place:
        """Where a value stands, or its nearest ancestor that the file has."""
        while keys and keys not in self.marks:
            keys = keys[:-1]
        return Place(self.file, *self.marks.get(keys, (1, 1)))


def read(path: Path) -> Source:
    """Read a YAML file; whatever is wrong with it is among the result's `problems`."""
    source = Source(str(path))
    try:
        text = read_text(path)
    except Problem as problem:
        source.problems.append(problem)
        return source
    try:
        _limit_depth(text, source)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        if root is not None:
            source.data = _Builder(source).build(root, ())
    except _Stop:
        source.data = None
    except yaml.YAMLError as error:
        source.problems.append(_syntax(error, text, source))
        source.data = None
    return source


class _Stop(Exception):
    """Nothing more of the file can be read; the problem is told."""


def _limit_depth(text: str, source: Source) -> None:
    # Event by event, before anything is composed: the C composer calls itself for each level, and
    # a hundred thousand brackets would end the whole process.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            _stop_too_deep(source, Place(source.file, *_mark(event)))


class _Builder:
    """Nodes → data, keeping positions."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._ancestors: list[int] = []
        self._entries = 0
        self._construct = yaml.constructor.SafeConstructor().construct_object

    def build(self, node: yaml.Node, keys: Keys) -> Any:
        source = self._source
        source.marks.setdefault(keys, _mark(node))
        self._entries += 1
        if self._entries > _MAX_ENTRIES:
            self._tell("too-many-entries", "there are too many entries", "write fewer aliases")
            raise _Stop
        if len(self._ancestors) > _MAX_DEPTH:
            _stop_too_deep(source, source.place(keys))
        if id(node) in self._ancestors:
            return self._unread(
                keys,
                "alias-cycle",
                "an alias refers to the entry that it stands in",
                "write the entry out instead of using an alias",
            )
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, keys)
        if node.tag not in _PLAIN_TAGS:
            return self._unknown_tag(node, keys)
        self._ancestors.append(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*keys, index)) for index, item in enumerate(node.value)]
            return self._mapping(node, keys)
        finally:
            self._ancestors.pop()

    def _mapping(self, node: yaml.MappingNode, keys: Keys) -> dict[str, Any]:
        source = self._source
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = _mark(key_node)
            key = self._key(key_node)
            if key is None:
                continue
            path = (*keys, key)
            if key not in result:
                source.marks[path] = mark
                result[key] = self.build(value_node, path)
                continue
            first = source.marks[path][0]
            self._tell(
                "duplicate-key",
                f"'{key}' stands here a second time; the first is in line {first}",
                "remove or rename one of the two",
                mark,
            )
            source.repeated.append((path, self.build(value_node, path)))
        return result

    def _key(self, node: yaml.Node) -> str | None:
        if node.tag == _MERGE_TAG:
            self._tell(
                "merge-key",
                "the merge key << is not read here",
                "write the entry's keys out",
                _mark(node),
            )
            return None
        value = None
        if isinstance(node, yaml.ScalarNode):
            try:
                value = self._construct(node, deep=True)
            except (ValueError, OverflowError, yaml.YAMLError):
                value = None
        if not isinstance(value, str):
            self._tell(
                "key-not-text",
                f"{_named(node)} is not text",
                "use a plain word, or put the key in quotes",
                _mark(node),
            )
            return None
        return value

    def _scalar(self, node: yaml.ScalarNode, keys: Keys) -> Any:
        try:
            return self._construct(node, deep=True)
        except (ValueError, OverflowError):
            return self._unread(
                keys,
                "unreadable-value",
                f"{shown(node.value)} looks like a date or a number and is none",
                "put it in quotes if it is text",
                _mark(node),
            )
        except yaml.YAMLError:
            return self._unknown_tag(node, keys)

    def _unknown_tag(self, node: yaml.Node, keys: Keys) -> None:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        return self._unread(
            keys,
            "unknown-tag",
            f"the tag {tag} means nothing here",
            "remove the tag; write the plain value",
            _mark(node),
        )

    def _unread(
        self, keys: Keys, rule: str, what: str, mend: str, mark: tuple[int, int] | None = None
    ) -> None:
        self._tell(rule, what, mend, mark or self._source.marks[keys])
        self._source.unread.add(keys)

    def _tell(self, rule: str, what: str, mend: str, mark: tuple[int, int] | None = None) -> None:
        place = Place(self._source.file, *(mark or (1, 1)))
        self._source.problems.append(Problem(rule, what, place=place, mend=mend))


def _named(node: yaml.Node) -> str:
    return f"the key {shown(node.value)}" if isinstance(node, yaml.ScalarNode) else "a key"


def _mark(node: yaml.Node | yaml.Event) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _stop_too_deep(source: Source, place: Place) -> NoReturn:
    source.problems.append(
        Problem(
            "nested-too-deeply",
            "the entries are nested too deeply",
            place=place,
            mend="write them flat, as the shipped queues.yml does",
        )
    )
    raise _Stop


def _syntax(error: yaml.YAMLError, text: str, source: Source) -> Problem:
    lines = text.splitlines()
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    what = getattr(error, "problem", None) or "it holds a character that YAML does not allow"
    here = lines[line - 1] if line <= len(lines) else ""
    if isinstance(error, yaml.reader.ReaderError):
        line, column = _control_character(lines)
        what = "it holds a character that YAML does not allow"
        mend = "remove the control character; some editors show it as ^@ or <0x00>"
    elif "\t" in here[: len(here) - len(here.lstrip())]:
        mend = "indent with spaces: YAML takes no tabs there"
    elif "another document" in str(what):
        what = "a second document begins here"
        mend = "keep one document in the file: remove the line `---`"
    elif "undefined alias" in str(what):
        mend = "write the value out, or put it in quotes if it is text that begins with *"
    else:
        mend = "check indentation, colons and quotes on that line and the one before it"
    return Problem(
        "yaml-syntax", f"not valid YAML: {what}", place=Place(source.file, line, column), mend=mend
    )


def _control_character(lines: list[str]) -> tuple[int, int]:
    for number, line in enumerate(lines, start=1):
        for column, character in enumerate(line, start=1):
            if not character.isprintable() and character != "\t":
                return number, column
    return 1, 1
