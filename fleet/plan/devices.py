"""Who owns which GPU and which MIG instance of a node: each is given away once."""

from __future__ import annotations

from fleet.plan.model import Node
from fleet.spec import Place, Problem


class Devices:
    """What of a node's GPUs has not been given to a slot yet.

    A GPU that MIG divides is offered as its instances only: a process could not use it whole.

    Parameters
    ----------
    node : Node
        Its `gpus` is known.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        count = node.gpus or 0
        self._whole = [str(gpu) for gpu in range(count) if not node.mig.get(gpu)]
        self._instances = [
            f"{gpu}:{instance}"
            for gpu in sorted(node.mig)
            if 0 <= gpu < count
            for instance in range(len(node.mig[gpu]))
        ]

    def take_each(self, limit: int | None = None) -> list[tuple[str, ...]]:
        """A slot for each whole GPU that is left, or for `limit` of them.

        Raises
        ------
        Problem
            None is left though the node has GPUs, or fewer than `limit` are.
        """
        if limit is None and not self._whole and self._node.gpus:
            raise self._none_left("a slot for each GPU is wanted")
        return [(gpu,) for gpu in self._take_whole(limit)]

    def take_shared(self, count: int, limit: int | None = None) -> list[tuple[str, ...]]:
        """`count` slots that share the whole GPUs that are left, or `limit` of them, evenly.

        On a node that has no GPU at all they have none, and run on its CPU.

        Raises
        ------
        Problem
            There are fewer GPUs than slots or than `limit`, or some would be left over.
        """
        if count == 0 or (not self._node.gpus and not limit):
            return [()] * count
        available = len(self._whole) if limit is None else limit
        if max(count, available) > len(self._whole):
            raise self._none_left(
                f"{available} GPUs are wanted"
                if available > count
                else f"{count} GPU slots are wanted"
            )
        if count > available:
            raise self._problem(
                "uneven-gpus",
                f"{count} slots cannot share {available} GPUs: each owns one at least",
                "raise `gpus` or lower `slots` in fleet_overrides",
            )
        if available % count:
            raise self._problem(
                "uneven-gpus",
                f"{available} GPUs cannot be shared evenly by {count} slots",
                "choose fleet_slots so that none is left over, or say by fleet_overrides how many "
                "GPUs the group gets",
            )
        gpus, size = self._take_whole(available), available // count
        return [tuple(gpus[index * size : (index + 1) * size]) for index in range(count)]

    def take_instances(self, count: int | None = None) -> list[tuple[str, ...]]:
        """A slot for each MIG instance that is left, or for `count` of them.

        On a node that has no GPU at all, `count` slots have none, and run on its CPU.

        Raises
        ------
        Problem
            Fewer are left than `count`, or none at all though the node has GPUs.
        """
        if not self._node.gpus:
            return [()] * (count or 0)
        wanted = len(self._instances) if count is None else count
        if wanted > len(self._instances) or (count is None and wanted == 0):
            raise self._problem(
                "too-few-instances",
                f"{wanted or 'slots for'} MIG instances are wanted "
                f"but {len(self._instances)} are free",
                "describe the layout as fleet_mig, or take the node out of the group",
            )
        taken, self._instances = self._instances[:wanted], self._instances[wanted:]
        return [(instance,) for instance in taken]

    def _take_whole(self, limit: int | None) -> list[str]:
        count = len(self._whole) if limit is None else limit
        if count > len(self._whole):
            raise self._none_left(f"{count} GPUs are wanted")
        taken, self._whole = self._whole[:count], self._whole[count:]
        return taken

    def _none_left(self, wanted: str) -> Problem:
        return self._problem(
            "too-few-gpus",
            f"{wanted} but {len(self._whole)} GPUs are free",
            "lower fleet_slots, correct fleet_gpus, say by fleet_overrides how many GPUs each of "
            "the node's groups gets, or take the node out of one"
            + ("; GPUs that fleet_mig divides are for a per_mig group" if self._node.mig else ""),
        )

    def _problem(self, rule: str, what: str, mend: str) -> Problem:
        return Problem(rule, what, place=Place(f"inventory, host {self._node.name}"), mend=mend)
