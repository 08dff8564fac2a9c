"""What `get_all` selects, its order, its pages and its fields."""

from __future__ import annotations

from hashlib import md5

import pytest


@pytest.fixture(scope="module")
def project(api) -> str:
    """A project with tasks of all sorts."""
    project = api.call("projects.create", name="filters/of tasks")["id"]
    sorts = {
        "alpha": {"tags": ["a"], "type": "training"},
        "beta": {"tags": ["b"], "type": "testing"},
        "alphabet": {"tags": ["a", "b"], "type": "training"},
        "none (1.0)": {"tags": [], "type": "controller"},
        "hidden one": {"tags": ["a"], "system_tags": ["hidden"], "type": "training"},
    }
    for name, fields in sorts.items():
        api.task(name, project=project, comment=f"about {name}", **fields)
    return project


def names(api, project: str, **filters) -> list[str]:
    found = api.call("tasks.get_all", project=[project], **filters)["tasks"]
    return [task["name"] for task in found]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "alpha"}, ["alpha", "alphabet"]),
        ({"name": "^alpha$"}, ["alpha"]),
        ({"name": "^none\\ \\(1\\.0\\)$"}, ["none (1.0)"]),
        ({"name": "^(alpha|beta)$"}, ["alpha", "beta"]),
        ({"tags": ["a"]}, ["alpha", "alphabet"]),
        ({"tags": ["a", "b"]}, ["alpha", "beta", "alphabet"]),
        ({"tags": ["a", "-b"]}, ["alpha"]),
        ({"tags": ["-a"]}, ["beta", "none (1.0)"]),
        ({"tags": ["__$all", "a", "b"]}, ["alphabet"]),
        ({"tags": ["__$all", "a", "__$not", "b"]}, ["alpha"]),
        ({"tags": ["__$any", "b", "c"]}, ["beta", "alphabet"]),
        ({"tags": ["__$all", "b", "__$or", "a", "c"]}, ["alphabet"]),
        ({"tags": [None]}, ["none (1.0)"]),
        ({"type": ["testing", "controller"]}, ["beta", "none (1.0)"]),
        ({"status": ["completed"]}, []),
        ({"search_text": "ABOUT BETA"}, ["beta"]),
        ({"search_hidden": True, "name": "hidden"}, ["hidden one"]),
        ({"_all_": {"fields": ["name", "comment"], "pattern": "bet$"}}, ["alphabet"]),
        ({"_any_": {"fields": ["name", "tags"], "pattern": "^b"}}, ["beta", "alphabet"]),
        ({"order_by": ["-name"], "name": "a$"}, ["beta", "alpha"]),
        ({"order_by": ["name"], "page": 0, "page_size": 2}, ["alpha", "alphabet"]),
        ({"order_by": ["name"], "page": 1, "page_size": 2}, ["beta", "none (1.0)"]),
        ({"last_update": [">=2020-01-01T00:00:00"], "name": "^beta$"}, ["beta"]),
        ({"last_update": "<2020-01-01"}, []),
        ({"created": [">1577836800"], "name": "^beta$"}, ["beta"]),
        ({"parent": "nobody"}, []),
    ],
)
def test_selection(api, project, filters, expected):
    assert names(api, project, **filters) == expected


def test_scroll(api, project):
    first = api.call("tasks.get_all", project=[project], size=3, order_by=["name"])
    rest = api.call(
        "tasks.get_all", project=[project], size=3, order_by=["name"], scroll_id=first["scroll_id"]
    )
    assert [task["name"] for task in first["tasks"] + rest["tasks"]] == [
        "alpha",
        "alphabet",
        "beta",
        "none (1.0)",
    ]


@pytest.mark.parametrize(
    ("filters", "refusal"),
    [
        ({"name": "("}, (400, 21)),
        ({"page": -1}, (400, 12)),
        ({"page_size": "x"}, (400, 12)),
        ({"only_fields": "name"}, (400, 12)),
        ({"order_by": ["na'me"]}, (400, 12)),
        ({"scroll_id": "rubbish", "size": 1}, (400, 12)),
        ({"last_update": ["soon"]}, (400, 12)),
        ({"status": {"a": 1}}, (400, 12)),
        ({"tags": [{"a": 1}]}, (400, 12)),
        ({"_any_": {"fields": ["name"]}}, (400, 12)),
    ],
)
def test_filters_that_make_no_sense(api, filters, refusal):
    assert api.refused("tasks.get_all", **filters) == refusal


def test_projection(api):
    task = api.task(
        hyperparams={"Args": {"a.b": {"name": "a.b", "value": "1"}, "c": {"value": "2"}}},
        runtime={"version": "1.0", "other": 2},
        execution={"artifacts": [{"key": "x", "type": "dict", "uri": "u"}]},
    )

    def only(*fields: str) -> dict:
        return api.call("tasks.get_all", id=[task], only_fields=list(fields))["tasks"][0]

    assert only("status", "no_such_field") == {"id": task, "status": "created"}
    assert only("runtime.version") == {"id": task, "runtime": {"version": "1.0"}}
    assert only("hyperparams.Args.a.b.value")["hyperparams"] == {"Args": {"a.b": {"value": "1"}}}
    artifacts = only("execution.artifacts.key", "execution.artifacts.type")["execution"]
    assert artifacts == {"artifacts": [{"key": "x", "type": "dict"}]}


def test_last_metrics_can_be_ordered_by_and_compared(api):
    tasks = []
    for value in (3.0, 1.0, 2.0):
        tasks.append(api.task("metered"))
        api.call(
            "events.add",
            task=tasks[-1],
            type="training_stats_scalar",
            metric="m",
            variant="v",
            iter=1,
            value=value,
        )
    field = "last_metrics.{}.{}.max_value".format(*(md5(name).hexdigest() for name in (b"m", b"v")))
    found = api.call("tasks.get_all", name="^metered$", order_by=[f"-{field}"])["tasks"]
    assert [task["id"] for task in found] == [tasks[0], tasks[2], tasks[1]]
    found = api.call("tasks.get_all", name="^metered$", **{field: [2.0, None]})["tasks"]
    assert {task["id"] for task in found} == {tasks[0], tasks[2]}


def test_get_all_ex_names_its_references(api, project):
    fields = ["name", "project.name", "user.name"]
    found = api.call("tasks.get_all_ex", project=[project], name="^beta$", only_fields=fields)
    task = found["tasks"][0]
    assert task["project"] == {"id": project, "name": "filters/of tasks"}
    assert task["user"]["name"] == "fleet"


def test_subprojects(api, project):
    above = api.call("projects.get_by_id", project=project)["project"]["parent"]
    assert names(api, above) == []
    assert "beta" in names(api, above, include_subprojects=True)


def test_tags_in_use(api, project):
    found = api.call("projects.get_task_tags", projects=[project], include_system=True)
    assert (found["tags"], found["system_tags"]) == (["a", "b"], ["hidden"])
    assert {"a", "b"} <= set(api.call("organization.get_tags")["tags"])
