"""Text of users in the tables of runs, leaderboards and the local fleet's state."""

from rich.console import Console

from fleet.cli.local import _print_status
from fleet.cli.report import _leaderboard
from fleet.cli.show import print_run
from fleet.local.status import Part, Status
from fleet.runs import Run, Step

STEP = Step(
    name="training [/mine]",
    phase="training",
    queue="[q]",
    node="[n]",
    worker=None,
    image=None,
    commit=None,
    task_id="0" * 32,
    started=None,
    completed=None,
    status="failed",
    failure="[/no] more",
)


def test_a_run_is_shown_with_the_names_that_its_tasks_have(capsys):
    run = Run("r[/1]", "failed", "2026-11-23T20:00:00+00:00", steps=(STEP,))
    print_run(run, as_json=False)
    out = capsys.readouterr().out
    for text in ("run r[/1]: failed", "training [/mine]", "[q]", "[n]", "[/no] more"):
        assert text in out


def test_a_leaderboard_is_shown_with_the_names_that_its_models_have():
    entry = {"validation": 1.0, "test": 1.0, "fit seconds": 1.0}
    summary = {
        "dataset": "[/d]",
        "target": "t",
        "metric": "m",
        "best": {"model": "best[/b]"},
        "leaderboard": [
            {"model": "best[/b]", "queue": "[/q]", **entry},
            {"model": "other[/o]", "queue": None, **entry},
        ],
    }
    console = Console(width=160)
    with console.capture() as caught:
        console.print(_leaderboard(summary))
    for text in ("[/d]: t by m", "best[/b]", "other[/o]", "[/q]"):
        assert text in caught.get()


def test_the_state_of_a_local_fleet_is_shown_as_it_is(capsys):
    _print_status(Status("local", [Part("node [/n]", "[/a]", True, "[/d]")]))
    out = capsys.readouterr().out
    for text in ("node [/n]", "[/a]", "[/d]"):
        assert text in out
