"""Projects: the tree of their names, what they hold, and what is hidden."""

from __future__ import annotations


def found(api, **filters) -> set[str]:
    return {project["name"] for project in api.call("projects.get_all", **filters)["projects"]}


def test_those_above_are_made_too(api):
    below = api.call("projects.create", name="tree/branch/leaf")["id"]
    project = api.call("projects.get_by_id", project=below)["project"]
    assert project["basename"] == "leaf"
    assert found(api, name="^tree") == {"tree", "tree/branch", "tree/branch/leaf"}
    assert found(api, name="tree", shallow_search=True) == {"tree"}
    assert api.refused("projects.create", name="tree/branch") == (400, 801)
    assert api.refused("projects.create", name="tree//leaf") == (400, 800)
    assert api.refused("projects.get_by_id", project="x") == (400, 401)


def test_hidden(api):
    project = api.call("projects.create", name="hidden/.pipelines")["id"]
    api.call("projects.update", project=project, system_tags=["hidden"])
    assert found(api, name="^hidden") == {"hidden"}
    assert found(api, name="^hidden", search_hidden=True) == {"hidden", "hidden/.pipelines"}


def test_rename_and_move_take_those_below_along(api):
    top = api.call("projects.create", name="before")["id"]
    api.call("projects.create", name="before/below")
    api.call("projects.update", project=top, name="after")
    assert found(api, name="^(before|after)") == {"after", "after/below"}
    api.call("projects.move", project=top, new_location="place/for")
    assert found(api, name="after") == {"place/for/after", "place/for/after/below"}
    assert api.refused("projects.update", project=top, name="place/for/after/in it") == (400, 12)


def test_delete(api):
    project = api.call("projects.create", name="doomed/inner")["id"]
    task = api.task(project=project)
    model = api.call("models.create", name="model", uri="file:///m", project=project)["id"]
    above = api.call("projects.get_by_id", project=project)["project"]["parent"]
    assert api.call("projects.validate_delete", project=above)["tasks"] == 1
    assert api.refused("projects.delete", project=above) == (400, 402)
    answer = api.call("projects.delete", project=above, force=True)
    assert (answer["deleted"], answer["disassociated_tasks"]) == (2, 1)
    assert "project" not in api.call("tasks.get_by_id", task=task)["task"]
    assert "project" not in api.call("models.get_by_id", model=model)["model"]


def test_delete_with_what_it_holds(api):
    project = api.call("projects.create", name="doomed whole")["id"]
    task = api.task(project=project)
    answer = api.call("projects.delete", project=project, delete_contents=True)
    assert answer["deleted_tasks"] == 1
    assert api.refused("tasks.get_by_id", task=task) == (400, 101)


def test_stats(api):
    project = api.call("projects.create", name="counted")["id"]
    api.call("tasks.started", task=api.task(project=project))
    listed = api.call("projects.get_all_ex", id=[project], include_stats=True)["projects"][0]
    assert listed["own_tasks"] == 1
    assert listed["stats"]["active"]["status_count"] == {"in_progress": 1}
