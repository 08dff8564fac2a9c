"""Each rule that a contract and an inventory keep together: broken, it is told with its line."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from fleet.found import read_found, write_found
from fleet.inventory import inspect, read_declared, read_inventory, reading
from fleet.paths import REPOSITORY
from fleet.services import GROUPS
from fleet.spec import load
from tests.own_contract import SPEC, SPEC_TEXT

DIGEST = "sha256:" + "0" * 64
DIGESTS = "images:\n" + "".join(
    f"  {name}: {{repository: {image.repository}, digest: '{DIGEST}', inputs: '{'0' * 64}'}}\n"
    for name, image in SPEC.images.items()
)
ALL = """
fleet_registry: registry:5000
fleet_digests_file: "{{ inventory_dir }}/digests.yaml.txt"
fleet_queues_file: /queues.yml
queues_config_file: /clearml.conf
"""
# One host for each node group; what a test writes is added below the last.
SOUND = """\
all:
  children:
    controllers: {hosts: {controller-1: }}
    cpu_nodes: {hosts: {cpu-1: }}
    gpu_nodes:
      hosts:
        gpu-1:
          fleet_gpus: 4
"""


@pytest.fixture
def inspected(write):
    def inspected_inventory(hosts: str, *, name: str = "hosts.yml", **more: str):
        files = {"group_vars/all.yml": ALL, "digests.yaml.txt": DIGESTS} | more
        path = write({})
        for file, text in files.items():
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_text(text)
        (path / name).write_text(hosts)
        return inspect(SPEC, path)

    return inspected_inventory


def test_a_sound_inventory_has_no_problem(inspected):
    result = inspected(SOUND)
    assert (result.problems, result.notes) == ([], [])
    assert (result.nodes, result.slots) == (3, 1 + 2 + 4)


@pytest.mark.parametrize("name", ["local", "production"])
def test_the_inventories_of_the_repository_are_sound(name):
    result = inspect(load(), REPOSITORY / "inventories" / name)
    # Images are built by whoever uses the repository; a queue may be for another inventory's nodes.
    open_to_users = {"image-without-digest", "queue-without-node"}
    found = [str(problem) for problem in result.problems if problem.rule not in open_to_users]
    assert found == []


@pytest.mark.parametrize("group", GROUPS)
def test_a_machine_that_only_gives_a_service_needs_no_node_group(inspected, group):
    result = inspected(SOUND + f"    {group}: {{hosts: {{helper-1: , gpu-1: }}}}\n")

    assert (result.problems, result.notes) == ([], [])
    assert result.nodes == 3


GPU = SOUND.splitlines().index("        gpu-1:") + 1  # its line

# What is broken → rule, line, words of the message.
BROKEN = {
    "text for a number": (
        SOUND.replace("fleet_gpus: 4", "fleet_gpus: four"),
        ("bad-value", GPU + 1, "fleet_gpus is 'four'"),
    ),
    "a negative number": (
        SOUND + "          fleet_slots: -1\n",
        ("bad-value", GPU + 2, "fleet_slots is -1"),
    ),
    "a flag for a number": (
        SOUND + "          fleet_slots: true\n",
        ("bad-value", GPU + 2, "fleet_slots is True"),
    ),
    "a list as a reason": (
        SOUND + "          fleet_disabled: [a]\n",
        ("bad-value", GPU + 2, "fleet_disabled is a list"),
    ),
    "a list as a layout": (
        SOUND + "          fleet_mig: [3g.40gb]\n",
        ("bad-value", GPU + 2, "fleet_mig is a list"),
    ),
    "a GPU that is not there": (
        SOUND + "          fleet_mig:\n            4: [3g.40gb]\n",
        ("bad-value", GPU + 3, "fleet_mig[4] is of no GPU: the node's are 0 to 3"),
    ),
    "a profile that is none": (
        SOUND + "          fleet_mig:\n            1:\n              - 3g.40\n",
        ("mig-profile", GPU + 4, "'3g.40' is no MIG profile"),
    ),
    "too many slices": (
        SOUND + "          fleet_mig: {0: [4g.40gb, 4g.40gb]}\n",
        ("mig-profile", GPU + 2, "wants 8 slices"),
    ),
    "an unknown key of an override": (
        SOUND + "          fleet_overrides: {gpu_nodes: {slot: 2}}\n",
        ("unknown-key", GPU + 2, "unknown key 'slot'"),
    ),
    "a limit that is none": (
        SOUND + "          fleet_overrides: {gpu_nodes: {limits: {memory: 16GB}}}\n",
        ("bad-value", GPU + 2, "limits.memory is '16GB'"),
    ),
    "an override of no group": (
        SOUND + "          fleet_overrides: {gpu_node: {slots: 2}}\n",
        ("unknown-override", GPU + 2, "'gpu_node', which is no node group"),
    ),
    "an override of another's group": (
        SOUND + "          fleet_overrides: {cpu_nodes: {slots: 2}}\n",
        ("unknown-override", GPU + 2, "'cpu_nodes', in which the node is not"),
    ),
    "an override of the image": (
        SOUND + "          fleet_overrides: {gpu_nodes: {image: cpu}}\n",
        ("unknown-key", GPU + 2, "has an unknown key 'image'"),
    ),
    "a variable that is nearly one": (
        SOUND + "          fleet_slot: 2\n",
        ("unknown-variable", GPU + 2, "no variable fleet_slot"),
    ),
    "a template of nothing": (
        SOUND + '          fleet_slots: "{{ nothing_there }}"\n',
        ("bad-template", GPU + 2, "'nothing_there' is undefined"),
    ),
    "more slots than GPUs": (
        SOUND + "          fleet_slots: 5\n",
        ("too-few-gpus", GPU + 2, "5 GPU slots are wanted but 4 GPUs are free"),
    ),
    "GPUs left over": (
        SOUND + "          fleet_slots: 3\n",
        ("uneven-gpus", GPU + 2, "4 GPUs cannot be shared evenly by 3 slots"),
    ),
    "no GPUs for work on GPUs": (
        SOUND.replace("fleet_gpus: 4", "fleet_gpus: 0"),
        ("gpu-queue-without-gpus", GPU + 1, "has no GPUs"),
    ),
    "no slot": (
        SOUND + "          fleet_slots: 0\n",
        ("node-without-slots", GPU, "has no slot"),
    ),
    "a name that no container can have": (
        SOUND + '        "gpu 2": {fleet_gpus: 1}\n',
        ("host-name", GPU + 2, "cannot be the name of a worker"),
    ),
    "names that differ in case": (
        SOUND + "        GPU-1: {fleet_gpus: 1}\n",
        ("host-name", GPU + 2, "is written as gpu-1 is"),
    ),
    "one machine twice": (
        SOUND + "        gpu-2: {fleet_gpus: 1, ansible_host: gpu-1}\n",
        ("same-machine", GPU + 2, "is reached just as gpu-1 is"),
    ),
    "a host in no group": (
        SOUND + "  hosts:\n    forgotten:\n",
        ("host-without-node-group", GPU + 3, "is in no group"),
    ),
    "a host in another group": (
        SOUND + "    printers: {hosts: {laser-1: }}\n",
        ("host-without-node-group", GPU + 2, "only in printers"),
    ),
    "a group that is nearly one": (
        SOUND + "    cpu_node: {hosts: {cpu-2: }}\n",
        ("unknown-group", GPU + 2, "'cpu_node' is no node group"),
    ),
    "a second services agent": (
        SOUND.replace("{controller-1: }", "{controller-1: {fleet_slots: 2}}"),
        ("services-slots", 3, "would have 2 slots"),
    ),
    "a node twice": (
        SOUND + "        gpu-1:\n          fleet_gpus: 2\n",
        ("duplicate-key", GPU + 2, "Found duplicate mapping key 'gpu-1'"),
    ),
    "a key that is none": (
        SOUND + "      host: {gpu-2: }\n",
        ("inventory-skipped", None, "Skipping unexpected key (host) in group (gpu_nodes)"),
    ),
    "no YAML": (
        SOUND + "      vars: {\n",
        ("inventory-unreadable", GPU + 3, "YAML parsing failed"),
    ),
    "groups within each other": (
        SOUND + "    a: {children: {b: {children: {a: }}}}\n",
        ("inventory-unreadable", GPU + 2, "recursive dependency loop"),
    ),
    "no mapping": ("- a: 1\n", ("inventory-unreadable", None, "Ansible cannot read it")),
}


@pytest.mark.parametrize(("hosts", "expected"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_told_with_its_line(inspected, hosts, expected):
    rule, line, words = expected
    result = inspected(hosts)
    told = [problem for problem in result.problems if problem.rule == rule]
    assert told, [str(problem) for problem in result.problems]
    assert words in told[0].what
    assert told[0].mend
    assert told[0].place.file.endswith("hosts.yml")
    if line is not None:
        assert told[0].place.line == line


def _without(group: str) -> str:
    return "\n".join(line for line in SOUND.splitlines() if f" {group}:" not in line) + "\n"


WHOLE = {
    "no host in a group": (
        _without("cpu_nodes"),
        {},
        "queue-without-node",
        "node group cpu_nodes: no host is in it",
    ),
    "only disabled hosts in a group": (
        SOUND.replace("cpu-1: ", "cpu-1: {fleet_disabled: true}"),
        {},
        "queue-without-node",
        "cpu_nodes: all its hosts are disabled",
    ),
    "all nodes disabled": (
        SOUND,
        {"group_vars/all.yml": ALL + "fleet_disabled: moving house\n"},
        "all-disabled",
        "every node is disabled",
    ),
    "no node at all": ("all: {hosts: {a: }}\n", {}, "no-nodes", "no host is in any node group"),
    "an image that was not built": (
        SOUND,
        {"digests.yaml.txt": DIGESTS.replace("cuda:", "other:")},
        "image-without-digest",
        "the image 'cuda' has no digest",
    ),
    "digests that are no YAML": (
        SOUND,
        {"digests.yaml.txt": "images: ["},
        "digests-unreadable",
        "not YAML",
    ),
    "a variable that site.yml needs": (
        SOUND,
        {"group_vars/all.yml": ALL.replace("fleet_registry:", "site_registry:")},
        "missing-variable",
        "fleet_registry is not set",
    ),
    "a file of variables that is no YAML": (
        SOUND,
        {"group_vars/gpu_nodes.yml": "a: [\n"},
        "inventory-unreadable",
        "variables of the host gpu-1 cannot be read",
    ),
    "a file of variables that is a list": (
        SOUND,
        {"group_vars/gpu_nodes.yml": "- a\n"},
        "inventory-unreadable",
        "variables of the host gpu-1 cannot be read",
    ),
}


@pytest.mark.parametrize(("hosts", "files", "rule", "words"), WHOLE.values(), ids=WHOLE)
def test_what_is_broken_in_the_whole_is_told(inspected, hosts, files, rule, words):
    told = [problem for problem in inspected(hosts, **files).problems if problem.rule == rule]
    assert told
    assert words in told[0].what
    assert told[0].mend


def test_all_problems_are_told_at_once(inspected):
    result = inspected(
        SOUND.replace("fleet_gpus: 4", "fleet_gpus: four")
        + "          fleet_slots: -1\n          fleet_migs: {}\n"
        + "        gpu-2: {fleet_gpus: 1, fleet_mig: {7: []}}\n"
    )
    assert [(problem.rule, problem.place.line) for problem in result.problems] == [
        ("bad-value", GPU + 1),
        ("bad-value", GPU + 2),
        ("unknown-variable", GPU + 3),
        ("bad-value", GPU + 4),
    ]


def test_ini_has_lines_too(inspected):
    hosts = (
        "[controllers]\nc-1\n[cpu_nodes]\ncpu-1\nCPU-1\n[gpu_nodes]\ngpu-1 fleet_gpus=x\nstray\n"
    )
    result = inspected(hosts, name="hosts")
    told = {problem.rule: problem.place.line for problem in result.problems}
    assert (told["host-name"], told["bad-value"]) == (5, 7)


def test_a_fault_of_a_group_is_told_once(inspected):
    names = ", ".join(f"gpu-{number}: " for number in range(2000))
    result = inspected(
        f"controllers: {{hosts: {{c: }}}}\ncpu_nodes: {{hosts: {{cpu: }}}}\n"
        f"gpu_nodes:\n  vars:\n    fleet_gpus: eight\n  hosts: {{{names}}}\n"
    )
    (problem,) = result.problems
    assert problem.what.startswith("host gpu-0 and 1,999 more hosts: fleet_gpus is 'eight'")
    assert problem.place.line == 5


def test_faults_of_many_lines_are_capped(inspected):
    lines = "".join(f"gpu-{number} fleet_gpus=x\n" for number in range(50))
    result = inspected(f"[controllers]\nc\n[cpu_nodes]\ncpu\n[gpu_nodes]\n{lines}", name="hosts")
    assert len(result.problems) == 20
    assert [problem.place.line for problem in result.problems] == list(range(6, 26))
    assert "and 30 more hosts" in result.problems[-1].what


def test_unknown_gpus_are_a_note(inspected):
    result = inspected(SOUND.replace("          fleet_gpus: 4\n", ""))
    assert result.problems == []
    assert result.notes == [
        "the inventory does not say how many GPUs gpu-1 has: site.yml asks the driver"
    ]


def test_what_a_visit_found_counts_where_nothing_is_declared(
    inspected, write, monkeypatch, tmp_path
):
    monkeypatch.setattr(reading, "read_found", functools.partial(read_found, state=tmp_path))
    hosts = SOUND.replace("          fleet_gpus: 4\n", "") + "        gpu-2: {fleet_gpus: 1}\n"
    assert inspected(hosts).slots == 1 + 2 + 1
    visit = {"gpus": 2, "mig": {"1": ["3g.40gb", "3g.40gb"]}}
    write_found(write({}), {"gpu-1": visit, "gpu-2": visit}, state=tmp_path)
    nodes = {node.name: node for node in read_inventory(write({}), SPEC.node_groups).nodes}
    assert (nodes["gpu-1"].gpus, nodes["gpu-1"].mig) == (2, {1: ("3g.40gb", "3g.40gb")})
    assert (nodes["gpu-2"].gpus, nodes["gpu-2"].mig) == (1, {})


def test_an_override_for_several_groups_may_be_a_variable_of_all(inspected):
    result = inspected(
        SOUND,
        **{"group_vars/all.yml": ALL + "fleet_overrides: {cpu_nodes: {slots: 3}}\n"},
    )
    assert result.problems == []
    assert result.slots == 1 + 3 + 4


def test_a_local_fleet_that_is_not_up_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("FLEET_LOCAL_NAME", "never-up")
    result = inspect(load(), REPOSITORY / "inventories" / "local")
    assert {problem.rule for problem in result.problems} <= {"queue-without-node"}
    assert any('the local fleet "never-up" is not up' in note for note in result.notes)


def test_bytes_that_are_no_text_are_told(write):
    path = write({})
    path.mkdir(parents=True, exist_ok=True)
    (path / "hosts.yml").write_bytes(bytes(range(128, 256)) * 3)
    problems = inspect(SPEC, path).problems
    assert problems
    "".join(map(str, problems)).encode()


def test_hosts_may_have_registries_of_their_own(write):
    path = write(
        {
            "hosts.yml": "gpu_nodes: {hosts: {a: , b: {fleet_registry: 'm:{{ port }}'}, c: }}\n",
            "group_vars/all.yml": "fleet_registry: registry:5000\nport: 5001\n",
        }
    )
    inventory = read_inventory(Path(path), SPEC.node_groups)
    assert inventory.registry == "registry:5000"
    assert [node.registry for node in inventory.nodes] == [
        "registry:5000",
        "m:5001",
        "registry:5000",
    ]


def test_templates_see_each_host_s_own_values(write):
    path = write(
        {
            "hosts.yml": "gpu_nodes: {hosts: {a: {n: 1}, b: {n: 2}, c: {n: 1}}}\n",
            "group_vars/all.yml": "fleet_gpus: '{{ twice }}'\ntwice: '{{ n * 2 }}'\n"
            "fleet_registry: '{{ inventory_hostname }}:{{ hostvars.a.n }}'\n"
            "fleet_slots: \"{{ lookup('ansible.builtin.vars', 'n') }}\"\n",
        }
    )
    nodes = read_inventory(Path(path), SPEC.node_groups).nodes
    assert [(node.gpus, node.slots, node.registry) for node in nodes] == [
        (2, 1, "a:1"),
        (4, 2, "b:1"),
        (2, 1, "c:1"),
    ]


def test_the_contract_that_the_inventory_names_is_its_own(write, tmp_path):
    own = tmp_path / "own.yml"
    own.write_text(SPEC_TEXT.replace("cpu_nodes", "workers"))
    path = write(
        {
            "hosts.yml": "workers: {hosts: {a: }}\n",
            "group_vars/all.yml": f"fleet_queues_file: {own}\n",
        }
    )
    spec, inventory = read_declared(path)
    assert "workers" in spec.node_groups
    assert [node.name for node in inventory.nodes] == ["a"]
