"""What the tests declare: one node with one slot that serves two queues."""

from fleet.drift import Wanted
from fleet.plan import Node, plan_node, worker_tags
from fleet.spec import Spec
from ml.catalog import PHASES

QUEUE = "cpu-train"
SECOND = "cpu-infer"
SPEC = Spec.model_validate(
    {
        "version": 1,
        "images": {"agent": {"repository": "fleet/agent"}, "cpu": {"repository": "fleet/cpu"}},
        "node_groups": {"cpu_nodes": {"image": "cpu"}},
        "queues": {
            QUEUE: {"node_group": "cpu_nodes", "priority": 1, "phases": list(PHASES)},
            SECOND: {"node_group": "cpu_nodes", "priority": 2, "phases": ["training"]},
        },
    }
)
WANTED = Wanted(SPEC, "registry:5000", {"agent": "sha256:" + "a" * 64, "cpu": "sha256:" + "c" * 64})
PLAN = plan_node(
    SPEC, Node("node", ("cpu_nodes",)), registry=WANTED.registry, digests=WANTED.digests
)
(SLOT,) = PLAN.slots
TAGS = " ".join(f"{kind}:{value}" for kind, value in worker_tags(PLAN, SLOT).items())
