"""systemd, for modules that lay down units of their own."""

from __future__ import annotations

import shutil
import subprocess

_SECONDS = 180
_NO_SYSTEMD = 127


class SystemdError(Exception):
    """What systemd would not do, and where it says why."""


def systemctl(*arguments):
    """Run systemctl; its exit code.

    Parameters
    ----------
    *arguments : str
        As for the command itself.

    Returns
    -------
    int
        127 where there is no systemd: on a dry run of a machine that cannot be a node.
    """
    if shutil.which("systemctl") is None:
        return _NO_SYSTEMD
    done = subprocess.run(
        ["systemctl", "--quiet", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode


def must(*arguments):
    """Run systemctl, the unit last.

    Raises
    ------
    SystemdError
        It failed.
    """
    if systemctl(*arguments) != 0:
        raise SystemdError(
            f"`systemctl {' '.join(arguments)}` failed; fix: see `journalctl --unit "
            f"{arguments[-1]}` on the machine"
        )
