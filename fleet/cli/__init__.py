"""The command line: it parses and prints; the work is done by the packages beside it.

Exit codes: 0 done, 1 a named problem, 2 a wrong command line, 130 interrupted. `fleet plan` has a
2 of its own: differences; a wrong command line is its 1.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
from collections.abc import Iterator

import click

from fleet.errors import UserError

# Loaded on use, so that `fleet --help` does not wait for the SDK.
COMMANDS = {
    "diff": ("fleet.cli.diff:diff", "Two runs: whether they gave the same, and what differs."),
    "explain": ("fleet.cli.explain:explain", "Which work runs where, and why."),
    "images": ("fleet.cli.images:images", "Build the task and agent images, and list them."),
    "local": ("fleet.cli.local:local", "The fleet on this machine: up, down, status."),
    "plan": ("fleet.cli.plan:plan", "What queues.yml and an inventory declare, and what differs."),
    "report": ("fleet.cli.report:report", "Save a run's HTML report; print its leaderboard."),
    "run": ("fleet.cli.run:run", "Start work from a template."),
    "runs": ("fleet.cli.show:runs", "List the runs."),
    "server": ("fleet.cli.server:server", "Run the embedded ClearML server."),
    "show": ("fleet.cli.show:show", "One run: its steps, where they ran, what came of them."),
    "template": ("fleet.cli.template:template", "Publish templates from committed step code."),
    "validate": ("fleet.cli.validate:validate", "Check queues.yml."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        with _no_collection():
            return getattr(importlib.import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Let nobody look for garbage among what is imported: it stays, and looking takes its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Run a fleet of ClearML agents, and the work on it."""


def main() -> None:
    """Entry point of the `fleet` command."""
    try:
        # What `ctx.exit(code)` was called with; a command's own result is nothing.
        sys.exit(cli(standalone_mode=False))
    except UserError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output (head, less) went away: not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
