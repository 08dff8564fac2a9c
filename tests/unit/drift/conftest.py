"""A small contract, its nodes, and the live side that equals them."""

import pytest

from fleet.drift import Live, LiveQueue, LiveWorker, Wanted
from fleet.plan import Node, plan_fleet, worker_tags
from fleet.spec import Spec
from fleet.templates import StepCode, template_content
from ml.catalog import PHASES

DIGESTS = {"agent": "sha256:" + "a" * 64, "cpu": "sha256:" + "c" * 64, "cuda": "sha256:" + "d" * 64}
CODE = StepCode("git://example/fleet.git", "e" * 40)


def contract(**more) -> Spec:
    return Spec.model_validate(
        {
            "version": 1,
            "images": {
                "agent": {"repository": "fleet/agent"},
                "cpu": {"repository": "fleet/cpu"},
                "cuda": {"repository": "fleet/cuda"},
            },
            "node_groups": {
                "controllers": {"image": "cpu", "services": True},
                "cpu_nodes": {"image": "cpu", "slots": 2},
                "gpu_nodes": {"image": "cuda", "slots": "per_gpu", "accelerator": "gpu"},
            },
            "queues": {
                "services": {"node_group": "controllers", "priority": 1, "phases": ["pipeline"]},
                "cpu-infer": {
                    "node_group": "cpu_nodes",
                    "priority": 1,
                    "phases": ["inference-single"],
                },
                "cpu-all": {
                    "node_group": "cpu_nodes",
                    "priority": 2,
                    "phases": [name for name in PHASES if name != "pipeline"],
                },
                "gpu-train": {"node_group": "gpu_nodes", "priority": 1, "phases": ["training"]},
            },
        }
        | more
    )


NODES = (
    Node("ctl", ("controllers",)),
    Node("cpu-1", ("cpu_nodes",)),
    Node("gpu-1", ("gpu_nodes",), gpus=2),
)


class Fleet:
    """What is declared, and a server that has just that; tests change either side."""

    def __init__(self, spec=None, nodes=NODES):
        self.spec = spec or contract()
        self.nodes = nodes
        self.digests = DIGESTS
        self.registry = "registry:5000"

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.spec, self.registry, self.digests)

    def plans(self):
        return plan_fleet(self.spec, self.nodes, registry=self.registry, digests=self.digests)

    def live(self, **changed) -> Live:
        """The server as it is right after site.yml and publishing."""
        workers = {
            slot.worker_id: LiveWorker(
                slot.worker_id,
                slot.queues,
                tuple(f"{kind}:{value}" for kind, value in worker_tags(plan, slot).items()),
                "2026-11-23T20:00:00+00:00",
            )
            for plan in self.plans()
            for slot in plan.slots
        }
        templates = {
            phase.name: template_content(
                self.spec, phase, CODE, registry=self.registry, digests=self.digests
            )
            for phase in PHASES.values()
        }
        parts = {
            "server": "http://server:8008",
            "queues": tuple(LiveQueue(name) for name in self.spec.queues),
            "workers": workers,
            "templates": templates,
        }
        return Live(**parts | changed)


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()
