"""What nodes are made of must be just what Ansible says of their variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fleet.inventory.environment import PLAYBOOKS, prepare
from fleet.inventory.reading import read

GROUPS = ("cpu_nodes", "gpu_nodes")

VARIED = {
    "1-hosts.yml": """
        all:
          vars: {fleet_registry: all:5000, shared: from all}
          children:
            site_a:
              vars: {shared: from site_a, fleet_slots: 3}
              children:
                gpu_nodes:
                  vars: {fleet_gpus: 8}
                  hosts:
                    gpu-1: {fleet_gpus: 4, ansible_host: 10.0.0.1}
                    gpu-[02:04]: {}
            site_b:
              vars: {ansible_group_priority: 10, shared: from site_b}
              hosts: {gpu-1: , cpu-1: {fleet_disabled: broken disk}}
    """,
    "2-hosts": """
        [cpu_nodes]
        cpu-1 fleet_slots=2
        cpu-2 fleet_overrides="{'cpu_nodes': {'slots': 5}}"
        gpu-1
        [cpu_nodes:vars]
        fleet_registry=ini:5000
        note="a text"
    """,
    "3-more.py": f"""
        #!{sys.executable}
        import json
        print(json.dumps({{
            "gpu_nodes": {{"hosts": ["gpu-9"], "vars": {{"from_program": [1, 2]}}}},
            "_meta": {{"hostvars": {{"gpu-9": {{"fleet_gpus": 2}}}}}},
        }}))
    """,
    "group_vars/all/main.yml": "fleet_digests_file: /digests.yml\nmapping: {a: 1, b: {c: 2}}\n",
    "group_vars/all/other.yml": "fleet_prune: true\n",
    "group_vars/gpu_nodes.yml": "fleet_mig: {0: [3g.40gb, 3g.40gb]}\nmapping: {a: 2}\n",
    "group_vars/site_b.yml": "mapping: {b: 7}\n",
    "host_vars/gpu-02.yml": "fleet_gpus: 2\nfleet_mig: {}\n",
    "host_vars/cpu-2/main.yml": "fleet_slots: 9\nmapping: {own: true}\n",
}


def test_variables_are_those_that_ansible_says(write):
    _compare(write(VARIED))


def test_a_site_may_have_mappings_merged(write, tmp_path):
    """`hash_behaviour` is a setting of the process: a process of its own compares."""
    inventory = write(VARIED)
    config = tmp_path / "ansible.cfg"
    config.write_text("[defaults]\nhash_behaviour = merge\n")
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
import test_same_as_ansible as this
print(this._compare(Path({str(inventory)!r}))["gpu-1"]["mapping"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "ANSIBLE_CONFIG": str(config)},
    )
    assert done.stdout.strip() == "{'a': 2, 'b': 7}", done.stderr


def _compare(inventory: Path) -> dict[str, dict]:
    prepare()
    from ansible.constants import INTERNAL_STATIC_VARS

    listed = _listed(inventory)
    reading = read(inventory, lambda _: GROUPS)
    ours = {entry.name: json.loads(json.dumps(_plain(entry.variables))) for entry in reading.source}
    assert sorted(ours) == sorted(listed)
    for name, variables in listed.items():
        # A fact, which Ansible adds or not by settings that another test may have had it read.
        variables.pop("ansible_local", None)
        assert {key: ours[name].get(key) for key in variables} == variables, name
        # `ansible-inventory` leaves out what Ansible itself adds for a run.
        added = {*INTERNAL_STATIC_VARS, "ansible_local"}
        assert ours[name].keys() - variables.keys() <= added, name
    return ours


def _listed(inventory: Path) -> dict[str, dict]:
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "--list", "--playbook-dir"]
    done = subprocess.run(
        [*command, str(PLAYBOOKS), "-i", str(inventory)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)["_meta"]["hostvars"]


def _plain(value):
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
