"""GPUs that the driver was asked for, beside the MIG layout of the inventory."""

import pytest

from fleet.images.digests import Pushed, update
from fleet.paths import REPOSITORY
from tests.own_contract import SPEC_FILE

FOUND = {"gpus": 2, "mig": {"0": ["3g.20gb", "3g.20gb"]}}


@pytest.fixture
def compare(run_role, tmp_path):
    digests = tmp_path / "digests.yml"
    pushed = Pushed(repository="fleet/x", digest=f"sha256:{64 * 'a'}", inputs=64 * "b")
    update(dict.fromkeys(("agent", "cpu", "cuda"), pushed), digests)

    def run(**variables):
        host = {"name": "localhost", "groups": ["gpu_nodes"], **variables}
        join = {"ansible.builtin.add_host": host}
        facts = {"fleet_found": FOUND, "preflight_divided": True, "cacheable": True}
        found = {"ansible.builtin.set_fact": facts}
        return run_role(
            "preflight",
            tasks="found",
            before=(join, found),
            files=(str(REPOSITORY / "ansible" / "group_vars" / "all.yml"),),
            fleet_queues_file=str(SPEC_FILE),
            fleet_digests_file=str(digests),
            fleet_registry="registry:5000",
        )

    return run


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"fleet_mig": {"0": ["3g.20gb", "3g.20gb"], " 1 ": []}},
        {"fleet_mig": {"all": ["3g.20gb", "3g.20gb"], "1": None}},
    ],
    ids=["nothing", "by number", "all"],
)
def test_a_layout_that_is_the_drivers_is_taken_however_it_is_written(compare, told):
    run = compare(**told)
    assert run.status == 0, run.said


@pytest.mark.parametrize(
    "told", [{"all": "7g.40gb", "1": []}, {}, {"0": ["7g.40gb"]}], ids=["all", "whole", "another"]
)
def test_another_layout_is_told_with_both(compare, told):
    run = compare(fleet_mig=told)

    assert run.status == 2, run.said
    assert 'but by its NVIDIA driver so: {"0": ["3g.20gb", "3g.20gb"]}' in run.words
    assert "Fix: write fleet_mig as" in run.words
