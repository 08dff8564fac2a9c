"""Reads the agent's configuration without its parser for HOCON, which takes longer than a start.

What the agent writes for a task is JSON. The files that the package itself brings are HOCON: what
they say is kept beside this module, by the hash of their text, when the image is built.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

KNOWN = Path(__file__).with_name("known.json")


def read_quickly() -> None:
    """Have the agent read JSON as JSON, and known texts from what is kept of them."""
    from clearml_agent.external.pyhocon import ConfigFactory

    slow = ConfigFactory.parse_string
    known = _known()

    def parse_string(content: str, *args: Any, **kwargs: Any) -> Any:
        found = known.get(_name(content))
        if found is None:
            found = _as_json(content)
        return slow(content, *args, **kwargs) if found is None else ConfigFactory.from_dict(found)

    ConfigFactory.parse_string = staticmethod(parse_string)


def keep_known(target: Path = KNOWN) -> None:
    """Write down what the configuration files of the installed agent say."""
    import clearml_agent.backend_api.config
    from clearml_agent.external.pyhocon import ConfigFactory

    folder = Path(clearml_agent.backend_api.config.__file__).parent
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.conf"))]
    parsed = {
        _name(text): ConfigFactory.parse_string(text).as_plain_ordered_dict() for text in texts
    }
    target.write_text(json.dumps(parsed))


def for_sdk(config: dict[str, Any]) -> dict[str, Any]:
    """What the SDK reads of the agent's configuration: nothing of the agent, nor of its secrets."""
    return {name: config[name] for name in ("api", "sdk") if name in config}


def _known() -> dict[str, Any]:
    try:
        return json.loads(KNOWN.read_text(), object_pairs_hook=OrderedDict)
    except FileNotFoundError:
        return {}


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _as_json(text: str) -> OrderedDict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text, object_pairs_hook=OrderedDict)
    except ValueError:
        return None
