"""What the direct scripts leave: files, their hashes, and plots in plotly's JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go

BLUE, GREY, ORANGE = "#2563eb", "#94a3b8", "#ea580c"


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Outputs:
    """A folder that a script writes to; it is made. What goes in and comes out is hashed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hashes: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, path: Path) -> Path:
        """The same path, once the file is hashed."""
        self._hashes[str(path)] = digest(path)
        return path

    def read_json(self, path: Path) -> Any:
        """What a JSON file says, once it is hashed."""
        return json.loads(self.read(path).read_text("utf-8"))

    def json(self, name: str, value: Any) -> None:
        """Write a JSON file."""
        (self.folder / f"{name}.json").write_text(json.dumps(value, indent=2, default=str), "utf-8")

    def figure(self, name: str, figure: go.Figure) -> None:
        """Write a plot, in the look of all plots."""
        figure.update_layout(
            template="plotly_white", height=360, font={"size": 13}, margin={"t": 20, "b": 50}
        )
        figure.update_xaxes(automargin=True)
        figure.update_yaxes(automargin=True, ticks="outside")
        (self.folder / f"plot-{name}.json").write_text(figure.to_json(), "utf-8")

    def close(self) -> None:
        """Hash every file that was written, and keep the hashes."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.name.startswith("plot-"):
                self._hashes[path.name] = digest(path)
        self.json("hashes", self._hashes)
