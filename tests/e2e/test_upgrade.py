"""Other images under load, on real nodes: what `make bench NAME=upgrade` measures must be nothing.

It takes minutes, for tasks of up to a minute arrive before, during and after the change.
"""

from __future__ import annotations

from fleet.local.inventory import INVENTORY
from fleet.local.layout import Layout
from tests.bench import bench_upgrade


def test_other_images_cost_no_task_and_leave_no_queue_without_an_agent(fleet):
    layout = Layout(fleet.name)
    digests = layout.digests.read_text()
    try:
        found = bench_upgrade.measure(INVENTORY, print, name=fleet.name)
    finally:
        layout.digests.write_text(digests)
        back = fleet.playbook("site.yml")

    assert back.returncode == 0, back.stdout[-4000:]
    assert found["tasks"] > 0
    assert found["tasks_completed"] == found["tasks"], found
    assert (found["tasks_lost"], found["tasks_stopped"], found["tasks_begun_twice"]) == (0, 0, 0)
    assert found["no_agent_s"] == 0, found
