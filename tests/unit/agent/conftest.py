"""The agent's entry point is no part of the installed packages: it lives in its image."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "images" / "agent"))
