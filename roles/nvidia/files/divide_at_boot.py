"""Divides the GPUs again after a boot: drivers keep MIG instances in memory alone.

Run as `python3 FOLDER SETTINGS` by fleet-mig.service, before Docker, so that no task meets a GPU
that is not divided yet. Where it cannot be done, the node is drained instead: it would fail each
task that it takes. The wish says who drained it and what to do, wherever the node is asked about.
"""

from __future__ import annotations

import json
import sys
import time

from ansible.module_utils.fleet_gpus import GpuError, processes
from ansible.module_utils.fleet_mig import check_order, divide, layouts, refuse_if_used, to_divide
from ansible.module_utils.fleet_wishes import read_wish, wish, withdraw

UNIT = "fleet-mig.service"
#: A driver may take its time after a boot.
TRIES = 12
PAUSE_SECONDS = 5


def ensure(wanted):
    """Have the GPUs divided.

    Parameters
    ----------
    wanted : dict of str to list of str
        GPU to the profiles of its instances, in the driver's order; others are whole.

    Returns
    -------
    list of str
        The GPUs that were divided otherwise.

    Raises
    ------
    GpuError
        It cannot be done.
    """
    gpus = to_divide(wanted, layouts())
    if gpus:
        # Not whether containers do: Docker waits for this.
        refuse_if_used(gpus, processes())
        divide(gpus, wanted)
    check_order(wanted, layouts())
    return gpus


def main(settings_file):
    """Divide; drain the node where that fails, and take such a wish back where it does not."""
    with open(settings_file, encoding="utf-8") as file:
        settings = json.load(file)
    wishes, problem = settings["wishes"], None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            gpus, problem = ensure(settings["mig"]), None
            break
        except GpuError as error:
            problem = str(error)
            print(problem, file=sys.stderr, flush=True)
    if problem:
        if read_wish(wishes) is None:
            wish(wishes, f"its GPUs are not divided: {problem}", UNIT)
        return 1
    print(f"divided: GPU {', '.join(gpus)}" if gpus else "the GPUs are divided as they should be")
    if (read_wish(wishes) or {}).get("by") == UNIT:
        withdraw(wishes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
