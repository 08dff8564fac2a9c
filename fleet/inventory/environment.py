"""The settings under which Ansible's code runs here: those of site.yml."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from fleet.paths import REPOSITORY

#: The folder of the playbooks; variables beside them count as those of an inventory do.
PLAYBOOKS = REPOSITORY / "ansible"


def prepare() -> None:
    """Set what Ansible reads from the environment when it is imported."""
    # The same plugins and collections as for site.yml, wherever the command is run.
    os.environ.setdefault("ANSIBLE_CONFIG", str(PLAYBOOKS / "ansible.cfg"))
    # Ansible makes a folder when it is imported: a user without a home has it elsewhere.
    home = os.path.expanduser("~")
    if home == "~":
        # A user whom the machine does not know: Ansible looks for a folder of that name.
        home = tempfile.mkdtemp(prefix="fleet-home-")
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        os.environ["HOME"] = home
    if not os.access(home, os.W_OK):
        os.environ.setdefault("ANSIBLE_LOCAL_TEMP", tempfile.gettempdir())
