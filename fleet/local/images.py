"""The images of a local fleet."""

from __future__ import annotations

#: What nodes pull, and what only this machine uses.
NODE_IMAGES = ("cpu", "cuda", "agent")
HOST_IMAGES = ("node", "services")
