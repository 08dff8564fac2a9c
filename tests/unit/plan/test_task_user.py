import pytest

from fleet.plan import Node, as_data, plan_node
from fleet.spec import Spec
from tests.own_contract import SPEC

DIGESTS = dict.fromkeys(SPEC.images, f"sha256:{'a' * 64}")


def planned(task_user):
    data = SPEC.model_dump()
    data["node_groups"]["cpu_nodes"]["task_user"] = task_user
    node = Node("cpu-1", ("cpu_nodes",))
    plan = plan_node(Spec.model_validate(data), node, registry="registry:5000", digests=DIGESTS)
    return as_data(plan)["slots"][0]


def test_the_tasks_of_a_group_run_as_its_user_with_a_home_and_without_a_way_to_more():
    slot = planned("1000:1001")
    assert slot["task_user"] == "1000:1001"
    assert slot["task_arguments"] == [
        "--user=1000:1001",
        "--env=HOME=/tmp",
        "--env=USER=task",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
    ]


def test_without_a_user_nothing_is_asked_of_docker():
    slot = planned(None)
    assert slot["task_user"] == ""
    assert slot["task_arguments"] == []


def test_a_worker_with_another_user_says_that_it_differs():
    assert planned("1000:1000")["worker_tags"] != planned(None)["worker_tags"]


@pytest.mark.parametrize("user", ["0:0", "1000", "ada", "1000:0", "1000:1000:1", 1000])
def test_a_user_is_two_numbers_and_not_root(user):
    with pytest.raises(ValueError, match="task_user"):
        planned(user)
