"""The server as a service of a node: `python3 -m fleet.server serve|backup SETTINGS`.

SETTINGS is a JSON file: `data`, and what :func:`fleet.server.run.serve` takes; `backups` gives
the `directory` and how many to `keep`.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from fleet.errors import FleetError
from fleet.server import notify
from fleet.server.backup import back_up
from fleet.server.run import serve

_USAGE = "usage: python3 -m fleet.server serve|backup SETTINGS"


def main() -> None:
    """Do what the arguments say; leave with 1 and a message where that cannot be."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("serve", "backup"):
        sys.exit(_USAGE)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.WARNING)
    try:
        settings = _read(Path(sys.argv[2]))
        data, backups = Path(settings.pop("data")), settings.pop("backups")
        if sys.argv[1] == "serve":
            _serve(data, settings)
        else:
            print(back_up(data, Path(backups["directory"]), backups["keep"]))
    except FleetError as error:
        sys.exit(f"error: {error}")


def _serve(data: Path, settings: dict[str, Any]) -> None:
    host = settings["host"]
    asked = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    url = f"http://{f'[{asked}]' if ':' in asked else asked}:{settings['port']}/"
    serve(data, **settings, announce=lambda _settings: notify.ready(url))


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise FleetError(
            f"the settings cannot be read: {error}",
            where=str(path),
            mend="run services.yml again, which writes them",
        ) from None


if __name__ == "__main__":
    main()
