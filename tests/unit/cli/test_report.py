"""What `fleet report` prints of a run's summary."""

import pytest

from fleet.cli import report
from fleet.runs import Run

ENTRY = {"model": "ridge", "validation": 1.0, "test": None, "fit seconds": 0.25, "queue": "cpu"}
FAILED = {"model": "lightgbm", "class": "resource", "why": "killed"}
SUMMARY = {
    "dataset": "flats",
    "target": "price",
    "metric": "rmse",
    "best": ENTRY,
    "leaderboard": [ENTRY],
    "failed": [FAILED],
    "headline": ["On 10 rows, ridge is right."],
    "as_good": {"said": "These rows can hardly tell."},
}


@pytest.fixture
def printed(monkeypatch, tmp_path, capsys):
    def print_of(summary):
        monkeypatch.setattr(report, "training_summary", lambda api, run: summary)
        monkeypatch.setattr(report, "save_report", lambda api, run, path: tmp_path / "r.html")
        report.print_report(None, Run("r1", "completed", None))
        return capsys.readouterr().out

    return print_of


def test_the_result_is_told_beside_the_leaderboard(printed):
    out = printed(SUMMARY)
    for told in ("flats: price by rmse", "On 10 rows, ridge is right.", "hardly tell", "killed"):
        assert told in out


def test_a_score_that_is_missing_is_none(printed):
    assert "none" in printed(SUMMARY)


def test_a_run_without_a_model_prints_what_failed(printed):
    out = printed({"run_id": "r1", "best": None, "leaderboard": [], "failed": [FAILED]})
    assert "failed: lightgbm: killed" in out
    assert "report: " in out
