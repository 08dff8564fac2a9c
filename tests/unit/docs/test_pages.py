"""What the pages say can be followed: links lead somewhere, commands and options exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from fleet.cli import cli
from fleet.paths import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


@dataclass(frozen=True)
class _Typed:
    """A command that a page has people type."""

    page: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def _commands() -> Iterator[_Typed]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for language, block in _FENCE.findall(text):
            if language == "console":
                for line in _lines(block):
                    yield from _split(page.name, line, whole=True)
        for code in _CODE.findall(_FENCE.sub("", text)):
            yield from _split(page.name, code, whole=False)


def _lines(block: str) -> Iterator[str]:
    """What is typed: lines behind a prompt, joined with those that go on."""
    joined = block.replace("\\\n", " ")
    return (line.strip()[2:] for line in joined.splitlines() if line.strip()[:2] in ("$ ", "# "))


def _split(page: str, line: str, whole: bool) -> Iterator[_Typed]:
    for part in re.split(r"&&|;|\|", line.replace("(", " ").replace(")", " ")):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:  # an apostrophe: prose
            continue
        if words and Path(words[0]).name in ("fleet", "make"):
            yield _Typed(page, (Path(words[0]).name, *words[1:]), whole)


COMMANDS = list(dict.fromkeys(_commands()))
FLEET = [typed for typed in COMMANDS if typed.words[0] == "fleet" and len(typed.words) > 1]
MAKE = [typed for typed in COMMANDS if typed.words[0] == "make" and len(typed.words) > 1]


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        assert not anchor or anchor in _anchors(target), f"{page.name}: no heading for {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_can_be_reached(page):
    linked = {
        (other.parent / link.partition("#")[0]).resolve()
        for other in PAGES
        for link in _LINK.findall(other.read_text(encoding="utf-8"))
        if other != page
    }
    assert page.name == "README.md" or page in linked, f"no page links to {page.name}"


def test_commands_are_found():
    assert len(FLEET) > 30
    assert {typed.page for typed in FLEET} >= {"README.md", "add-a-gpu-node.md", "move-a-queue.md"}
    assert any("publish" in typed.words and "--registry" in typed.words for typed in FLEET)


@pytest.mark.parametrize("typed", FLEET, ids=str)
def test_a_fleet_command_exists_with_its_options(typed):
    command: click.Command = cli
    words = list(typed.words[1:])
    context = click.Context(cli)
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None and words[0] in ("…", "..."):
            return
        assert found is not None, f"there is no command {words[0]}"
        command = found
        words.pop(0)
    given = _arguments(command, words, context)
    wanted = [one for one in command.params if isinstance(one, click.Argument)]
    assert len(given) <= len(wanted) or any(one.nargs == -1 for one in wanted), "too many words"
    if typed.whole and "--help" not in words:
        assert not isinstance(command, click.Group), "a command is missing"
        assert len(given) >= sum(one.required for one in wanted), "a word is missing"


def _arguments(command: click.Command, words: list[str], context: click.Context) -> list[str]:
    """The words that are no options; fails for an option that the command does not have."""
    options = {
        name: option
        for option in command.get_params(context)
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    options |= {name: click.Option([name], is_flag=True) for name in ("-h", "--help")}
    arguments, rest = [], list(words)
    while rest:
        name, equals, _ = rest.pop(0).partition("=")
        if not name.startswith("-"):
            arguments.append(name)
            continue
        assert name in options, f"{command.name} has no option {name}"
        if not (equals or options[name].is_flag):
            assert rest, f"{name} wants a value"
            rest.pop(0)
    return arguments


@pytest.mark.parametrize("typed", MAKE, ids=str)
def test_a_make_target_exists(typed):
    targets = _TARGET.findall((REPOSITORY / "Makefile").read_text(encoding="utf-8"))
    goals = [word for word in typed.words[1:] if "=" not in word]
    assert set(goals) <= set(targets)
