"""Make a task with an artifact by the real SDK, or find it again."""

import sys

from clearml import Task

PROJECT = "molecule"


def main(verb: str, name: str) -> None:
    """`make` or `find` the task of this name."""
    if verb == "make":
        task = Task.init(
            PROJECT, name, auto_connect_frameworks=False, auto_resource_monitoring=False
        )
        task.upload_artifact("words", {"of": name}, wait_on_upload=True)
        task.close()
    found = Task.get_task(project_name=PROJECT, task_name=name)
    assert found.status == "completed", found.status
    assert found.artifacts["words"].get(force_download=True) == {"of": name}


main(*sys.argv[1:])
