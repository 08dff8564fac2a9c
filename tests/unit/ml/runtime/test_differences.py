"""What a person can edit of a clone, and what is told of it."""

import pytest

from ml.runtime.differences import Template, compare, requirement_lines
from ml.runtime.routing import Routing

CPU = "registry:5000/fleet/cpu@sha256:" + "1" * 64
CUDA = "registry:5000/fleet/cuda@sha256:" + "2" * 64
ROUTING = Routing(
    queues={"training": ["cpu-train", "gpu-train"]},
    images={"cpu": CPU, "cuda": CUDA},
    queue_images={"cpu-train": "cpu", "gpu-train": "cuda"},
)
SCRIPT = {
    "repository": "git://host/fleet.git",
    "version_num": "a" * 40,
    "entry_point": "-m ml training",
    "working_dir": ".",
    "binary": "python3",
    "diff": "",
    "requirements": {"pip": "umap-learn==0.5.7"},
}
CONTAINER = {"image": CPU, "arguments": "", "setup_shell_script": ""}
TEMPLATE = Template("t1", "stable", SCRIPT, CONTAINER, ROUTING)


def differences(script=None, container=None, routing=ROUTING, queue="cpu-train"):
    return compare(
        {**SCRIPT, **(script or {})}, {**CONTAINER, **(container or {})}, routing, queue, TEMPLATE
    )


def test_a_clone_as_it_was_made_does_not_differ():
    assert differences() == []


def test_the_server_may_leave_out_what_is_empty():
    script = {key: value for key, value in SCRIPT.items() if key not in ("diff", "working_dir")}
    assert compare(script, {"image": CPU}, ROUTING, "cpu-train", TEMPLATE) == []


def test_the_image_is_the_one_of_the_queue_from_whatever_registry():
    assert differences(container={"image": CUDA}, queue="gpu-train") == []
    mirror = CPU.replace("registry:5000", "mirror/library")
    assert differences(container={"image": mirror}) == []
    (found,) = differences(container={"image": CPU}, queue="gpu-train")
    assert found.part == "image"
    assert found.template == "cuda@sha256:" + "2" * 64
    assert found.task == "cpu@sha256:" + "1" * 64
    assert "fleet template publish" in found.mend
    assert not found.by_a_person


@pytest.mark.parametrize(
    ("script", "container", "part", "shown"),
    [
        ({"version_num": "b" * 40}, {}, "commit", "b" * 40),
        ({"binary": "bash"}, {}, "interpreter", "bash"),
        ({"entry_point": "-m ml preprocessing"}, {}, "entry point", "-m ml preprocessing"),
        ({"repository": "git://else/x.git"}, {}, "repository", "git://else/x.git"),
        ({"diff": "diff --git a/x b/x"}, {}, "uncommitted changes", "diff --git a/x b/x"),
        ({"requirements": {"pip": "numpy"}}, {}, "packages", "numpy"),
        ({"requirements": {}}, {}, "packages", "(none)"),
        ({}, {"setup_shell_script": "pip install x"}, "set-up script", "pip install x"),
        ({}, {"arguments": "-v /:/host"}, "container arguments", "-v /:/host"),
        ({}, {"image": "python:3"}, "image", "python:3"),
    ],
)
def test_each_edit_is_named_with_both_values_and_a_mend(script, container, part, shown):
    (found,) = differences(script, container)
    assert (found.part, found.task) == (part, shown)
    assert found.template != found.task
    assert found.mend
    assert str(found).startswith(f"{part}: {shown}; the template has ")


@pytest.mark.parametrize("routing", [None, ROUTING.model_copy(update={"queue_choice": "free"})])
def test_routing_that_was_edited_or_removed_is_a_difference(routing):
    assert [found.part for found in differences(routing=routing)] == ["routing"]


def test_several_are_all_named():
    found = differences({"diff": "x", "requirements": ""}, {"image": "python:3"})
    assert [one.part for one in found] == ["uncommitted changes", "packages", "image"]


@pytest.mark.parametrize(
    ("requirements", "lines"),
    [
        (None, []),
        ({}, []),
        ({"pip": ""}, []),
        ({"pip": "# Python 3.11\n\na==1  # why\nb==2\n"}, ["a==1", "b==2"]),
        ({"pip": ["a==1", "b==2"], "org_pip": "c"}, ["a==1", "b==2"]),
        ({"conda": "a=1"}, ["a=1"]),
        ("a==1\nb", ["a==1", "b"]),
    ],
)
def test_requirements_are_read_in_whatever_form_the_server_has_them(requirements, lines):
    assert requirement_lines(requirements) == lines
