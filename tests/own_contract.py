"""The contract that tests work with: the repository's queues.yml is its team's to change."""

from __future__ import annotations

from pathlib import Path

from fleet.spec import load

SPEC_FILE = Path(__file__).parent / "data" / "queues.yml"
SPEC_TEXT = SPEC_FILE.read_text(encoding="utf-8")
SPEC = load(SPEC_FILE)
