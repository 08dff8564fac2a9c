"""The declared slots as a table: what people wrote is shown as they wrote it."""

import pytest

from fleet.cli.slots import SlotsAsTable, waiting_room
from fleet.plan import NodePlan, Slot


def shown(capsys, *plans):
    with waiting_room() as kept:
        slots = SlotsAsTable(kept)
        assert len(list(slots.pass_on(plans))) == len(plans)
        slots.show()
    return capsys.readouterr().out


@pytest.mark.parametrize("reason", ["[/ops] fan", "[ops-12]", "[bold]", ":warning: fan", "\\[x]"])
def test_a_reason_is_shown_as_it_was_written(capsys, reason):
    out = shown(capsys, NodePlan("cpu-1", "agent", (), disabled=reason))
    assert f"disabled: {reason} " in out


def test_so_are_the_names_of_nodes_queues_and_images(capsys):
    slot = Slot("n-0", "n[a]:0", "[g]", ("[q]",), "[i]", "r/i@sha256:" + "0" * 64)
    out = shown(capsys, NodePlan("n[a]", "agent", (slot,)))
    for text in ("n[a] ", "n[a]:0", "[q]", "[i] 000000000000"):
        assert text in out


def test_a_big_fleet_has_a_line_for_each_node(capsys):
    plans = [NodePlan(f"n{i}", "agent", (), disabled="[/ops] fan") for i in range(50)]
    out = shown(capsys, *plans)
    assert out.count("disabled: [/ops] fan\n") == 50
    assert out.endswith("50 nodes, 0 slots\n")
