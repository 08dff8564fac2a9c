"""What this checkout built last, so that it takes away what it replaces, and only that.

Another checkout on the machine may be at other inputs, and use its images still.
"""

from __future__ import annotations

import json
from pathlib import Path

from fleet.images import engine
from fleet.images.model import BuiltImage


def replace_older(built: dict[str, BuiltImage], path: Path, ours: dict[str, str]) -> list[str]:
    """Untag what these images replace, and write them down.

    Parameters
    ----------
    built : dict of str to BuiltImage
        What was just built.
    path : Path
        The record.
    ours : dict of str to str
        :func:`engine.our_images` before the build.

    Returns
    -------
    list of str
        What was untagged; Docker keeps what a container still uses.
    """
    last = json.loads(path.read_text()) if path.exists() else {}
    now = {name: image.reference for name, image in built.items()}
    older = {last[name] for name in now if last.get(name, now[name]) != now[name]}
    # A push leaves the same tag behind a registry's address.
    gone = [name for name in ours if any(f"/{name}".endswith(f"/{tag}") for tag in older)]
    for name in gone:
        engine.query("image", "rm", name)
    path.write_text(json.dumps({**last, **now}))
    return gone
