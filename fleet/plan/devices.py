"""Who owns which GPU and which MIG instance of a node: each is given away once."""

from __future__ import annotations

from fleet.errors import FleetError
from fleet.plan.model import Node


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
            if gpu < count
            for instance in range(len(node.mig[gpu]))
        ]

    def take_each(self, limit: int | None = None) -> list[tuple[str, ...]]:
        """A slot for each whole GPU that is left, or for `limit` of them.

        Raises
        ------
        FleetError
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
        FleetError
            There are fewer GPUs than slots, or some would be left over.
        """
        if count == 0 or not self._node.gpus:
            return [()] * count
        gpus = self._take_whole(limit)
        if count > len(gpus):
            self._whole = gpus + self._whole
            raise self._none_left(f"{count} GPU slots are wanted")
        if len(gpus) % count:
            raise self._error(
                f"{len(gpus)} GPUs cannot be shared evenly by {count} slots",
                "choose fleet_slots so that none is left over",
            )
        size = len(gpus) // count
        return [tuple(gpus[index * size : (index + 1) * size]) for index in range(count)]

    def take_instances(self, count: int | None = None) -> list[tuple[str, ...]]:
        """A slot for each MIG instance that is left, or for `count` of them.

        Raises
        ------
        FleetError
            Fewer are left than `count`, or none at all though the node has GPUs.
        """
        wanted = len(self._instances) if count is None else count
        short = wanted > len(self._instances) or (count is None and wanted == 0)
        if short and self._node.gpus:
            raise self._error(
                f"{wanted or 'a slot for each'} MIG instances are wanted "
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

    def _none_left(self, wanted: str) -> FleetError:
        return self._error(
            f"{wanted} but {len(self._whole)} GPUs are free",
            "lower fleet_slots, correct fleet_gpus, say by fleet_overrides how many GPUs each of "
            "the node's groups gets, or take the node out of one"
            + ("; GPUs that fleet_mig divides are for a per_mig group" if self._node.mig else ""),
        )

    def _error(self, what: str, mend: str) -> FleetError:
        return FleetError(what, where=f"inventory, host {self._node.name}", mend=mend)
