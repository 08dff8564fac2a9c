"""Telling systemd that the server answers, for as long as it does."""

from __future__ import annotations

import os
import socket
import threading
import time
import urllib.error
import urllib.request

_TRIES = 3  # questions within the time after which systemd restarts the server


def ready(url: str) -> None:
    """Tell that the server answers now, and from now on whenever it does.

    Where systemd does not ask (no NOTIFY_SOCKET, no WATCHDOG_USEC) nothing is done.

    Parameters
    ----------
    url : str
        An address of the server that answers without credentials.
    """
    if not tell("READY=1"):
        return
    limit = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    if limit > 0:
        threading.Thread(target=_watch, args=(url, limit / _TRIES), daemon=True).start()


def tell(state: str) -> bool:
    """Send systemd a state; whether it wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    # A name that begins with @ is of no file.
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifying:
        notifying.sendto(state.encode(), address)
    return True


def answers(url: str, seconds: float) -> bool:
    """Whether an address answers within some seconds."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as response:
            return response.status == 200
    except (OSError, urllib.error.URLError):
        return False


def _watch(url: str, pause: float) -> None:
    while True:
        if answers(url, pause):
            tell("WATCHDOG=1")
        time.sleep(pause)
