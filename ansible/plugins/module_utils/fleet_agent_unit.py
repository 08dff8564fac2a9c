"""The systemd unit that starts and ends a node's agents with the machine."""

from __future__ import annotations

import os

from ansible.module_utils.fleet_files import remove
from ansible.module_utils.fleet_systemd import must, systemctl

UNITS = "/etc/systemd/system"
_MODE = 0o644


class AgentUnit:
    """The unit of a project of agents.

    Parameters
    ----------
    project : str
        The project's name.
    text : str
        What the unit shall be; empty where the node needs none.

    Attributes
    ----------
    file : str
        Where it lies.
    """

    def __init__(self, project, text=""):
        self._name = f"{project}-agents.service"
        self._text = text
        self.file = os.path.join(UNITS, self._name)

    @property
    def files(self):
        """Path → text and mode of what is to be laid down for it."""
        return {self.file: (self._text, _MODE)} if self._text else {}

    def enable(self, *, dry, anew):
        """Have it start the agents with the machine.

        Parameters
        ----------
        dry : bool
            Whether to look only.
        anew : bool
            Whether its file was written just now.

        Returns
        -------
        bool
            Whether it did not.
        """
        if not self._text:
            return False
        states = systemctl("is-enabled", self._name), systemctl("is-active", self._name)
        if states == (0, 0) and not anew:
            return False
        if not dry:
            must("daemon-reload")
            must("enable", "--now", self._name)
        return True

    def retire(self, *, dry):
        """See that it does not start with the machine; whether it would have.

        It is not stopped: what it does when the machine goes down is for agents that still leave.
        """
        if not os.path.exists(self.file) or systemctl("is-enabled", self._name) != 0:
            return False
        if not dry:
            must("disable", self._name)
        return True

    def remove(self, *, dry):
        """See that it is gone; whether it was there. The agents are gone already."""
        if not os.path.exists(self.file):
            return False
        if not dry:
            must("disable", "--now", self._name)
            remove([self.file])
            must("daemon-reload")
        return True
