import click
import pytest

from fleet.cli.difference import count, lines, resting_lines
from fleet.drift import Difference, FieldChange
from fleet.drift.commands import PLAIN
from fleet.plan import Rest


def told(*differences):
    return click.unstyle("\n".join(lines(differences)))


def missing(name, node="n1", **more):
    return Difference("add", "worker", name, "not heard of", "mend", node=node, **more)


def test_nothing_is_one_line():
    assert told() == "No differences: the fleet is what queues.yml and the inventory say."


def test_each_action_has_its_mark_and_its_count():
    found = told(
        Difference("add", "queue", "q-add", "not there", "run site.yml"),
        Difference("unknown", "queue", "q-stray", "stray", "declare it"),
        Difference("change", "worker", "n1:0", "w", "m", (FieldChange("queues", "a", "b"),), "n1"),
        Difference("remove", "worker", "n2:0", "w", "m", node="n2"),
        Difference("add", "template", "training", "not published", "publish it"),
    )
    assert found.splitlines() == [
        "+ to add  ~ to change  - to remove  ? unknown to us",
        "",
        "queues",
        f"  + {'q-add':24} not there",
        f"  ? {'q-stray':24} stray",
        "",
        "workers",
        f"  ~ {'n1:0':24} w",
        "      queues: a -> b",
        f"  - {'n2:0':24} w",
        "",
        "templates",
        f"  + {'training':24} not published",
        "",
        "to make them equal",
        "  (cd ansible && ansible-playbook site.yml --limit n1,n2)",
        "  run site.yml",
        "  declare it",
        "  publish it",
        "",
        "Plan: 2 to add, 1 to change, 1 to remove, 1 unknown to us.",
    ]


def test_marks_are_coloured():
    assert "\x1b[32m+\x1b[0m n1:0" in "\n".join(lines([missing("n1:0")]))


def test_digests_are_short():
    change = FieldChange("image", "sha256:" + "ab" * 32, "sha256:" + "cd" * 32)
    found = told(Difference("change", "worker", "n1:0", "w", "m", (change,), "n1"))
    assert "image: abababababab -> cdcdcdcdcdcd" in found


def test_a_node_without_its_slots_is_one_line():
    found = told(*(missing(f"n1:{i}") for i in range(8)), missing("n2:0", "n2"))
    assert "+ n1:0 … n1:7              8 workers: the server has not heard of them" in found
    assert f"+ {'n2:0':24} not heard of" in found
    assert "Plan: 9 to add" in found


def test_lost_slots_and_slots_not_known_yet_stay_apart():
    found = told(
        *(missing(f"n1:{i}", last_heard=f"at {i}") for i in range(3)),
        *(missing(f"n1:{i}") for i in range(3, 6)),
        missing("n1:*"),
    )
    assert [line.split()[1] for line in found.splitlines() if line.startswith("  + ")] == [
        "n1:0",
        "n1:1",
        "n1:2",
        "n1:3",
        "n1:*",
    ]


def test_the_same_change_of_many_is_one_entry():
    change = (FieldChange("image", "a", "b"),)
    found = told(
        *(Difference("change", "worker", f"n1:{i}", "w", "m", change, "n1") for i in range(5))
    )
    assert found.count("image: a -> b") == 1
    assert "5 workers: w" in found


def test_strays_are_each_told():
    strays = [Difference("unknown", "worker", f"x:{i}", "w", "stop it") for i in range(5)]
    assert told(*strays).count("  ? x:") == 5
    assert told(*strays).count("stop it") == 1


@pytest.mark.parametrize(("nodes", "command"), [(12, "site.yml --limit n0,"), (13, "site.yml)\n")])
def test_many_nodes_are_not_named_one_by_one(nodes, command):
    assert f"  (cd ansible && ansible-playbook {command}" in told(
        *(missing(f"n{i}:0", f"n{i}") for i in range(nodes))
    )


def test_counts_hold_every_action():
    assert count([missing("n1:0")]) == {"add": 1, "change": 0, "remove": 0, "unknown": 0}


def test_provisioning_of_all_nodes_is_not_told_beside_that_of_some():
    site = PLAIN.site()
    found = told(
        Difference("add", "queue", "q-a", "not there", f"{site}  # creates {{name}}"),
        Difference("add", "queue", "q-b", "not there", f"{site}  # creates {{name}}"),
        missing("n1:0"),
    )
    assert [line for line in found.splitlines() if "ansible-playbook" in line] == [
        f"  {site}  # creates q-a, q-b"
    ]


def test_mends_of_many_name_the_first_of_them():
    strays = [Difference("unknown", "queue", f"q-{i}", "w", "declare {name}") for i in range(7)]
    assert "\n  declare q-0, q-1, q-2, q-3, q-4 and 2 more\n" in told(*strays)


def test_a_hint_is_told_once():
    found = told(*(missing(f"n{i}:0", f"n{i}", hint="look at the log") for i in range(3)))
    assert found.count("  (look at the log)\n") == 1


def test_agents_at_rest_are_told_apart_from_differences_with_the_way_back():
    wish = Rest("drained", by="ann", since="2026-11-23T19:00:00Z", why="a new disk")
    resting = {"a:0": wish, "a:1": wish, "a:2": wish, "b:0": Rest("draining", replaced=True)}
    told = "\n".join(resting_lines(resting))
    assert "a:0, a:1 and 1 more: drained by ann since 2026-11-23T19:00:00Z: a new disk" in told
    assert "b:0: it finishes its task, then its successor" in told
    assert "(ansible-playbook undrain.yml --limit a)" in told
    assert list(resting_lines({})) == []
