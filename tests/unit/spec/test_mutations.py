"""Whatever becomes of queues.yml, `fleet validate` says what is wrong and never breaks down."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.cli.validate import validate
from fleet.spec import examine
from fleet.spec.schema import schema
from tests.own_contract import SPEC_FILE, SPEC_TEXT

Keys = tuple[str | int, ...]
# What each node is replaced by, as it is written in the file.
RETYPES = {
    "null": "null",
    "number": "7",
    "fraction": "1.5",
    "text": "some text",
    "empty text": "''",
    "list": "[1, a, null]",
    "empty list": "[]",
    "mapping": "{a: 1}",
    "empty mapping": "{}",
    "bool": "true",
    "huge number": "1" + 4000 * "0",
    "hexadecimal number without end": "0x" + 5000 * "f",
    "infinity": ".inf",
    "no number": ".nan",
    "date": "2024-02-29",
    "impossible date": "2024-02-30",
    "binary": "!!binary aGk=",
    "unknown tag": "!x y",
    "alias to nothing": "*nothing",
}
MARK = "MARKED"
# What the schema alone is there to find.
SHAPE = {"unknown-key", "missing-key", "bad-value", "bad-name"}


def _nodes(data: Any, keys: Keys = ()) -> Iterator[Keys]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*keys, key)
        if isinstance(value, dict | list):
            yield from _nodes(value, (*keys, key))


def _parent(data: Any, keys: Keys) -> Any:
    for key in keys[:-1]:
        data = data[key]
    return data


def _dump(data: Any) -> str:
    return yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def _mutations(text: str) -> Iterator[str]:
    """The file with each node deleted, doubled, and replaced by each kind of value."""
    data = yaml.safe_load(text)
    for keys in _nodes(data):
        changed = copy.deepcopy(data)
        del _parent(changed, keys)[keys[-1]]
        yield _dump(changed)
        changed = copy.deepcopy(data)
        parent = _parent(changed, keys)
        if isinstance(parent, list):
            parent.append(copy.deepcopy(parent[keys[-1]]))
            yield _dump(changed)
        else:
            parent[f"{MARK}{keys[-1]}"] = parent[keys[-1]]
            yield _dump(changed).replace(MARK, "")
        changed = copy.deepcopy(data)
        _parent(changed, keys)[keys[-1]] = MARK
        marked = _dump(changed)
        for value in RETYPES.values():
            yield marked.replace(MARK, value)


@pytest.fixture
def told(tmp_path):
    """Examine a text as the command does; a list of the rules that it breaks."""
    file = tmp_path / "queues.yml"

    def tell(text: bytes) -> list[str]:
        file.write_bytes(text)
        spec, problems = examine(file)
        assert spec is not None or problems
        for problem in problems:
            assert problem.what
            assert problem.mend
            assert str(problem).isprintable() or "\n" in str(problem)
            lines = text.count(b"\n") + text.count(b"\r") + 1
            assert problem.place.line is None or 1 <= problem.place.line <= lines
        order = [problem.place.line or 0 for problem in problems]
        assert order == sorted(order)
        return [problem.rule for problem in problems]

    return tell


def test_every_mutation_of_the_file_is_told_without_a_traceback(told, full):
    rules: set[str] = set()
    count = 0
    for text in _mutations(full):
        rules.update(told(text.encode()))
        count += 1
    assert count > 2000
    # The mutations reach the rules of every theme.
    assert rules >= SHAPE | {
        *("duplicate-key", "unknown-tag", "unreadable-value", "yaml-syntax", "missing-version"),
        *("phase-without-queue", "unknown-node-group", "unknown-image", "repeated-phase"),
        *("group-without-queue", "duplicate-mount", "nobody-may-start", "unknown-template"),
    }


def test_the_command_ends_with_0_or_1_for_the_mutations_of_a_right_file(tmp_path):
    file = tmp_path / "queues.yml"
    codes = set()
    for index, text in enumerate(_mutations(SPEC_TEXT)):
        if index % 7:  # the reading is tested above: this is about the printing
            continue
        file.write_text(text)
        form = (["--json"], ["--sarif"], [])[index % 3]
        done = CliRunner().invoke(validate, ["--spec", str(file), *form])
        assert done.exception is None or isinstance(done.exception, SystemExit), text
        codes.add(done.exit_code)
    assert codes == {0, 1}


def test_schema_and_model_refuse_the_same(tmp_path, full):
    """An editor and `fleet validate` never disagree about the form of the file."""
    file = tmp_path / "queues.yml"
    validator = jsonschema.Draft202012Validator(schema())
    data = yaml.safe_load(full)
    for keys in _nodes(data):
        for value in (None, 7, "some text", [], {"a": 1}):
            changed = copy.deepcopy(data)
            _parent(changed, keys)[keys[-1]] = value
            file.write_text(_dump(changed))
            rules = {problem.rule for problem in examine(file)[1]}
            by_model = rules & (SHAPE | {"unknown-version", "newer-version"})
            by_schema = [error.json_path for error in validator.iter_errors(changed)]
            # The phases that there are, which editors complete, are a rule in the model.
            by_rule = rules & {"unknown-phase", "unknown-template"}
            assert bool(by_model | by_rule) == bool(by_schema), (keys, value, rules, by_schema)


_RIGHT = SPEC_FILE.read_bytes()
_PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            *(b": ", b"- ", b"\n", b"  ", b"\t", b"[", b"]", b"{", b"}", b"&a ", b"*a", b"!!int "),
            *(b"'", b'"', b"#", b"---\n", b"...\n", b"<<: ", b"? ", b"|\n", b"\xef\xbb\xbf", b"%"),
            *(b"\xc2\x85", b"\xe2\x80\xa8", b"\\", b"~", b"null", b"\r\n", b"1:30", b"0o7", b"@"),
        ]
    ),
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, len(_RIGHT)), st.integers(0, 40), _PIECES),
        min_size=1,
        max_size=4,
    )
)
def test_any_bytes_in_the_file_are_told_without_a_traceback(told, edits):
    text = _RIGHT
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    told(text)


# Few lines that stand for two million entries.
_LAUGHS = "a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join(7 * ['*' + before])}]\n"
    for before, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        *("", " \n", "# a comment\n", "null\n", "[]\n", "text\n", "7\n", "--- \n...\n", "{}\n"),
        *("[" * 100_000, "- " * 50_000, "{" * 3000 + "}" * 3000, "? " * 10_000, "%YAML 9\n"),
        *("\ufeff", "&a [*a]\n", "version: 1\n? {a: 1}\n: b\n? [*x]\n: c\n", _LAUGHS),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_files_that_are_no_contract_at_all_are_told(told, text):
    assert told(text.encode())


def test_a_file_larger_than_any_contract_is_not_read(tmp_path):
    file = tmp_path / "queues.yml"
    with Path(file).open("wb") as large:
        large.truncate(1 << 40)  # a hole: it takes no room
    (problem,) = examine(file)[1]
    assert "larger than 1 MiB" in problem.what
