"""Options and output that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.spec import SPEC_FILE

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH = 160

config_file = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="A clearml.conf; by default CLEARML_CONFIG_FILE, the local fleet's, then ~/clearml.conf.",
)
spec_file = click.option(
    "--spec",
    "spec_file",
    type=click.Path(path_type=Path),
    default=SPEC_FILE,
    # before --help, which lists what this contract offers
    is_eager=True,
    show_default="queues.yml of this checkout",
    help="The contract.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


def console() -> Console:
    """Where tables go; into a file or a pipe they are not cut to a terminal's width."""
    # Imported late: `fleet validate` runs in every commit and draws no table.
    from rich.console import Console

    found = Console()
    return found if found.is_terminal else Console(width=_PIPE_WIDTH)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, default=str))


def progress(as_json: bool) -> Callable[[str], None]:
    """Where progress goes: to stderr, so that stdout is the result alone."""
    return lambda line: None if as_json else click.echo(line, err=True)
