"""The smoke tasks that a server has: `tell` them as JSON, or `remove` them."""

import json
import sys

from fleet.clearml_api import connect
from fleet.smoke import SMOKE_TAG, remove_old
from ml.smoke import RESULTS_OBJECT


def main(config_file: str, verb: str) -> None:
    """Do what the command line names."""
    api = connect(config_file)
    if verb == "remove":
        remove_old(api, keep=0)
        return
    found = api.tasks(tags=[SMOKE_TAG], search_hidden=True)
    told = [
        {
            "id": task["id"],
            "node": task["hyperparams"]["Slot"]["node"]["value"],
            "status": task["status"],
            "worker": task.get("last_worker"),
            "project": api.call("projects.get_by_id", project=task["project"])["project"]["name"],
            "image": task["container"]["image"],
            "checks": {
                check["name"]: check["ok"]
                for check in json.loads(task["configuration"][RESULTS_OBJECT]["value"])
            },
        }
        for task in found
    ]
    print(json.dumps(told))


main(*sys.argv[1:])
