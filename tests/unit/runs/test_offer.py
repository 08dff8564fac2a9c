"""Which templates people are offered, by the contract and by who is connected."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fleet.cli.run import run
from fleet.errors import UserError
from fleet.runs import offered
from fleet.runs.offer import check_user
from fleet.spec.models import Policy
from ml.catalog import PHASES
from tests.own_contract import SPEC, SPEC_TEXT

PREDICTIONS = ["inference-single", "inference-batch", "inference-optimize"]


def _with_policy(**keys):
    return SPEC.model_copy(update={"policy": Policy.model_validate(keys)})


class Connection:
    """The one answer that a connection gives about its user."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.calls = []

    def call(self, endpoint):
        self.calls.append(endpoint)
        return {"user": {"id": "u1", "name": self._name}}


def test_the_entry_decides_what_is_offered():
    assert [phase.name for phase in offered(_with_policy(entry="pipeline"))] == [
        "pipeline",
        *PREDICTIONS,
    ]
    assert "pipeline" not in {phase.name for phase in offered(_with_policy(entry="phase"))}
    assert {phase.name for phase in offered(_with_policy(entry="both"))} == set(PHASES)


@pytest.mark.parametrize("who", ["Ann", "u1"])
def test_the_connections_user_is_known_by_name_and_by_id(who):
    spec = _with_policy(access={"may_run": {"training": [who]}})
    assert check_user(Connection("Ann"), spec, "training") is None


def test_another_user_is_told_who_may():
    spec = _with_policy(access={"may_run": {"training": ["Ann"]}})
    with pytest.raises(UserError, match="Dan may not start 'training'; Ann may"):
        check_user(Connection("Dan"), spec, "training")


def test_the_server_is_not_asked_about_a_template_that_everybody_may_start():
    spec = _with_policy(access={"may_run": {"training": ["Ann"]}})
    connection = Connection("Dan")
    check_user(connection, spec, "pipeline")
    assert connection.calls == []


@pytest.mark.parametrize("entry", ["pipeline", "phase", "both"])
def test_the_help_and_the_hints_name_what_the_contract_offers_and_nothing_else(tmp_path, entry):
    file = tmp_path / "queues.yml"
    file.write_text(SPEC_TEXT.replace("entry: both", f"entry: {entry}"))
    shown = CliRunner().invoke(run, ["--spec", str(file), "--help"]).output
    listed = {line.split()[0] for line in shown.split("Templates:")[1].splitlines() if line.strip()}
    names = {phase.name for phase in offered(_with_policy(entry=entry))}
    assert names <= listed
    assert ("preprocessing" in listed) == (entry != "pipeline")
    assert ("pipeline" in listed) == (entry != "phase")
    done = CliRunner().invoke(run, ["--spec", str(file), "nonsense"])
    assert str(done.exception).split("templates: ")[1].split(", ") == [
        phase.name for phase in offered(_with_policy(entry=entry))
    ]


def test_help_is_shown_though_the_contract_is_broken(tmp_path):
    file = tmp_path / "queues.yml"
    file.write_text("version: [")
    shown = CliRunner().invoke(run, ["--spec", str(file), "--help"])
    assert shown.exit_code == 0
    assert "pipeline" in shown.output
