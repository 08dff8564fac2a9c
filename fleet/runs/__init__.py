"""Runs: start one from a template, wait for it, see what came of it."""

from fleet.runs.model import Run, Step
from fleet.runs.offer import offered
from fleet.runs.read import list_runs, read_run, read_steps
from fleet.runs.request import Request, prepare
from fleet.runs.start import Started, start
from fleet.runs.wait import wait

__all__ = [
    "Request",
    "Run",
    "Started",
    "Step",
    "list_runs",
    "offered",
    "prepare",
    "read_run",
    "read_steps",
    "start",
    "wait",
]
