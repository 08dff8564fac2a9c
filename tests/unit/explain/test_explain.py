from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from fleet.errors import FleetError
from fleet.explain import (
    Nodes,
    explain_map,
    explain_node,
    explain_phase,
    explain_queue,
)
from fleet.explain.inventory import nodes_of
from fleet.plan import Node, Override, Rest
from fleet.spec import Spec
from ml.catalog import PHASES
from ml.model_catalog import MODELS
from tests.own_contract import SPEC, SPEC_FILE, SPEC_TEXT

DIGESTS = {
    name: "sha256:" + character * 64 for name, character in zip(SPEC.images, "abc", strict=True)
}


def _changed(**changes) -> Spec:
    """The tests' contract with some entries replaced: `queues__cpu_train={…}`."""
    data = SPEC.model_dump(exclude_unset=True)
    for path, values in changes.items():
        section, _, name = path.partition("__")
        entry = data[section]
        if name:
            entry = entry.setdefault(name if name in entry else name.replace("_", "-"), {})
        entry.update(values)
    return Spec.model_validate(data)


def _nodes(*nodes: Node) -> Nodes:
    return Nodes("inventory", nodes, "registry:5000", DIGESTS)


def test_a_queue_says_its_turn_its_work_and_its_owner():
    spec = _changed(
        queues__cpu_preprocess={"owner": "data team"},
        node_groups__cpu_nodes={
            "limits": {"cpus": 4, "memory": "16GiB"},
            "data": {"mounts": [{"source": "/data"}]},
        },
    )
    answer = explain_queue(spec, "cpu-preprocess")
    for told in (
        "2 agents",
        "the image cpu",
        "when cpu-infer is empty, and from cpu-train after it",
        "sends preprocessing here",
        "4 CPU cores and 16GiB of memory",
        "/data (read-only)",
        "Ask data team",
    ):
        assert told in answer.paragraph
    assert answer.facts["served_before"] == ["cpu-infer"]
    assert answer.facts["agents"] is None


def test_a_queue_names_the_agents_of_an_inventory():
    nodes = _nodes(Node("gpu-1", ("gpu_nodes",), gpus=2), Node("cpu-1", ("cpu_nodes",)))
    answer = explain_queue(SPEC, "gpu-train", nodes)
    assert "2 agents on 1 node" in answer.paragraph
    assert [agent["worker_id"] for agent in answer.facts["agents"]] == ["gpu-1:0", "gpu-1:1"]
    assert answer.tables[1].rows[0][:4] == ("gpu-1", "gpu-1:0", "2 of 2", "0")
    nobody = explain_queue(SPEC, "services", nodes)
    assert "No node of this inventory serves it" in nobody.paragraph


def test_a_queue_whose_nodes_have_unknown_gpus_says_so():
    nodes = _nodes(Node("gpu-1", ("gpu_nodes",)))
    assert "gpu-1 has is not known" in explain_queue(SPEC, "gpu-train", nodes).paragraph


def test_only_models_that_ask_for_a_gpu_are_sent_to_it():
    answer = explain_phase(SPEC, "training")
    by_queue = {route["queue"]: set(route["models"]) for route in answer.facts["routes"]}
    wanted = {"cpu-train": set(), "gpu-train": set()}
    for model in MODELS.values():
        wanted[f"{model.accelerator}-train"].add(model.name)
    assert by_queue == wanted
    assert "mlp and xgboost_gpu ask for a GPU and go to gpu-train" in answer.paragraph


def test_a_queue_that_is_never_taken_is_told_by_the_policy():
    assert "where somebody chooses so" in explain_queue(SPEC, "gpu-infer").paragraph
    fixed = _changed(policy={"queue_choice": "fixed"})
    assert "nobody may choose otherwise" in explain_queue(fixed, "gpu-infer").paragraph
    assert explain_phase(fixed, "inference-batch").facts["allowed_queues"] == ["cpu-infer"]


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_can_be_explained(phase):
    answer = explain_phase(SPEC, phase)
    assert PHASES[phase].help in answer.paragraph
    assert [row[1] for row in answer.tables[0].rows] == SPEC.queues_of_phase(phase)


def test_who_may_start_work_is_told_by_user_and_group():
    access = {"groups": {"vision": ["ann", "bob"]}, "may_run": {"training": ["vision", "eve"]}}
    spec = _changed(policy={"access": access, "entry": "phase"})
    told = explain_phase(spec, "training")
    assert "Only vision (ann, bob) and eve may start training" in told.paragraph
    assert told.facts["may_start"] == ["vision", "eve"]
    assert "Nobody may start pipeline by itself" in explain_phase(spec, "pipeline").paragraph
    assert "Everybody may start preprocessing" in explain_phase(spec, "preprocessing").paragraph


def test_where_the_pipeline_is_the_entry_steps_are_not_offered():
    spec = _changed(policy={"entry": "pipeline"})
    assert not explain_phase(spec, "training").facts["offered"]
    assert explain_phase(spec, "inference-single").facts["offered"]
    assert explain_phase(spec, "pipeline").facts["offered"]


def test_a_node_names_its_overrides_its_mig_layout_and_idle_gpus():
    spec = _changed(
        node_groups={
            "mig_nodes": {"image": "cuda", "slots": "per_mig", "accelerator": "gpu"},
        },
        queues={
            "mig-infer": {"node_group": "mig_nodes", "priority": 1, "phases": ["inference-batch"]}
        },
    )
    node = Node(
        "gpu-1",
        ("gpu_nodes", "mig_nodes"),
        gpus=4,
        mig={0: ("3g.40gb", "3g.40gb")},
        overrides={"gpu_nodes": Override(gpus=2)},
    )
    answer = explain_node(spec, "gpu-1", _nodes(node))
    for told in (
        "in the groups gpu_nodes and mig_nodes",
        "has 4 agents",
        "GPU 0 is divided by MIG into 3g.40gb and 3g.40gb",
        "No agent owns GPU 3",
        "overrides what gpu_nodes says: 2 GPUs",
    ):
        assert told in answer.paragraph
    devices = [slot["devices"] for slot in answer.facts["slots"]]
    assert devices == [["1"], ["2"], ["0:0"], ["0:1"]]


def test_a_node_that_is_disabled_or_not_known_yet_says_why():
    off = Node("gpu-1", ("gpu_nodes",), gpus=8, disabled="new fans on Friday")
    assert "disabled (new fans on Friday)" in explain_node(SPEC, "gpu-1", _nodes(off)).paragraph
    unknown = explain_node(SPEC, "gpu-1", _nodes(Node("gpu-1", ("gpu_nodes",))))
    assert "How many GPUs it has is not known" in unknown.paragraph
    assert unknown.facts["unknown_gpus"] == ["gpu_nodes"]


def test_a_wrong_name_is_answered_with_the_nearest():
    nodes = _nodes(Node("cpu-1", ("cpu_nodes",)))
    for explained, near in (
        (lambda: explain_queue(SPEC, "cpu-trian"), "cpu-train"),
        (lambda: explain_phase(SPEC, "traning"), "training"),
        (lambda: explain_node(SPEC, "cpu1", nodes), "cpu-1"),
    ):
        with pytest.raises(FleetError, match=f"did you mean '{near}'"):
            explained()


def test_the_map_has_every_queue_phase_and_group():
    answer = explain_map(SPEC)
    steps, queues, groups = answer.tables
    assert {row[0] for row in steps.rows} == set(PHASES)
    assert {row[0] for row in queues.rows} == {row[1] for row in steps.rows} == set(SPEC.queues)
    assert {row[0] for row in groups.rows} == set(SPEC.node_groups)
    json.dumps(answer.as_data())


def test_a_node_is_explained_by_the_contract_that_its_inventory_names(tmp_path):
    contract = SPEC_TEXT.replace("slots: 2", "slots: 3")
    (tmp_path / "queues.yml").write_text(contract)
    inventory = tmp_path / "hosts"
    named = "fleet_queues_file={{ inventory_dir }}/queues.yml"
    inventory.write_text(f"[cpu_nodes]\ncpu-1\n[all:vars]\n{named}\n")
    spec, nodes = nodes_of(inventory, None)
    assert len(explain_node(spec, "cpu-1", nodes).facts["slots"]) == 3
    spec, nodes = nodes_of(inventory, SPEC_FILE)
    assert len(explain_node(spec, "cpu-1", nodes).facts["slots"]) == 2


def test_explaining_what_needs_no_server_does_not_load_the_sdk():
    code = (
        "import sys; from fleet.cli import cli; "
        "cli(['explain', 'queue', 'cpu-train', '--spec', sys.argv[1]], standalone_mode=False); "
        "sys.exit(any(name in sys.modules for name in ('clearml', 'pandas', 'ansible', 'torch')))"
    )
    done = subprocess.run([sys.executable, "-c", code, SPEC_FILE], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"cpu-train" in done.stdout


RESTING = {
    "cpu-1:0": Rest("drained", by="ann", since="2026-11-23T19:00:00Z", why="a new disk"),
    "cpu-1:1": Rest("draining", by="ann", since="2026-11-23T19:00:00Z", why="a new disk"),
}


def _drained(**resting: Rest) -> Nodes:
    nodes = _nodes(Node("cpu-1", ("cpu_nodes",)))
    return replace(nodes, resting=resting)


def test_a_node_that_is_drained_says_by_whom_why_and_the_way_back():
    answer = explain_node(SPEC, "cpu-1", _drained(**RESTING))
    for told in (
        "cpu-1:0 takes no tasks for now: drained by ann since 2026-11-23T19:00:00Z: a new disk.",
        "cpu-1:1 takes no tasks for now: draining by ann",
        "`ansible-playbook undrain.yml --limit cpu-1`",
    ):
        assert told in answer.paragraph
    assert answer.facts["resting"]["cpu-1:0"]["why"] == "a new disk"
    assert explain_node(SPEC, "cpu-1", _drained()).facts["resting"] == {}


def test_a_queue_says_when_all_its_agents_are_drained():
    paragraph = explain_queue(SPEC, "cpu-train", _drained(**RESTING)).paragraph
    assert "the queue has no live agent" in paragraph
    one = {"cpu-1:0": RESTING["cpu-1:0"]}
    paragraph = explain_queue(SPEC, "cpu-train", _drained(**one)).paragraph
    assert "cpu-1:0 takes no tasks" in paragraph
    assert "has no live agent" not in paragraph


def test_an_agent_that_is_replaced_needs_no_way_back():
    one = {"cpu-1:0": Rest("draining", replaced=True)}
    paragraph = explain_node(SPEC, "cpu-1", _drained(**one)).paragraph
    assert "its successor, which stands by" in paragraph
    assert "undrain" not in paragraph
