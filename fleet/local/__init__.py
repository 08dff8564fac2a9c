"""The fleet on this machine: nodes as containers, a registry, a git remote, the server."""

from fleet.local.gitremote import push_commits

__all__ = ["push_commits"]
