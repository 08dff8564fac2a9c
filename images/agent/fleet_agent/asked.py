"""What a task asks of Docker and does not get: the task's log names it, and the task keeps it.

The image, Docker's arguments and the set-up script are the slot's. The agent writes what it took
back to the task; were the arguments that somebody asked for overwritten by that, the step code's
guard would not see them, and could not refuse the task for them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from clearml_agent.commands import worker as stock

SHOWN = 200


class Asked:
    """The containers that the tasks in hand ask for; the stock agent's write-back keeps them."""

    def __init__(self) -> None:
        self._arguments: dict[str, str] = {}

    def install(self) -> None:
        """Have the stock agent leave the arguments that a task asked for on the task."""
        write = stock.set_task_container

        def keep(session: Any, task_id: str, **container: Any) -> Any:
            asked = self._arguments.pop(task_id, "")
            return write(session, task_id, **{**container, "docker_arguments": asked})

        stock.set_task_container = keep

    def note(self, task_id: str, container: Mapping[str, Any], image: str) -> list[str]:
        """Remember what a task asks for.

        Parameters
        ----------
        task_id : str
            The task.
        container : mapping
            The task's, as the server has it.
        image : str
            The slot's, which it gets.

        Returns
        -------
        list of str
            A line for each thing that it does not get.
        """
        arguments = str(container.get("arguments") or "").strip()
        self._arguments[task_id] = arguments
        own = str(container.get("image") or "").strip()
        lines = []
        if own and own != image:
            lines.append(f"Not granted: the image {own[:SHOWN]}; the slot's tasks run from {image}")
        if arguments:
            lines.append(
                f"Not granted: arguments of the container: {_shown(arguments)}; "
                "what a slot's tasks get is said in queues.yml"
            )
        if str(container.get("setup_shell_script") or "").strip():
            lines.append("Not granted: a set-up script of the container; it is not run")
        return lines


def _shown(arguments: str) -> str:
    """Arguments as far as a log may tell them: what is set for the environment may be a secret."""
    try:
        words = shlex.split(arguments)
    except ValueError:
        words = arguments.split()
    hidden = [
        f"{word.partition('=')[0]}=…" if before in ("-e", "--env") else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    hidden = ["--env=…" if word.startswith(("--env=", "-e=")) else word for word in hidden]
    text = " ".join(hidden)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
