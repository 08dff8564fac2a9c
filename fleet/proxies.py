"""Proxies of this machine, and what they must not stand before."""

from __future__ import annotations

import os
from collections.abc import Iterable

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


def bypass(hosts: Iterable[str]) -> None:
    """Let no proxy stand before these hosts, for this process and what it starts from now on.

    Parameters
    ----------
    hosts : iterable of str
        Names, addresses or subnets. Without a proxy in the environment nothing is changed.
    """
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
        return
    before = ",".join(os.environ.get(name, "") for name in _EXCEPTIONS).split(",")
    # Either variable may be the one that a program reads.
    merged = dict.fromkeys([host.strip() for host in before if host.strip()] + list(hosts))
    os.environ |= dict.fromkeys(_EXCEPTIONS, ",".join(merged))
