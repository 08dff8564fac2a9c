"""What Ansible's code prints, kept from the terminal: a command tells it in its own words."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MARK = re.compile(r"\[(?:DEPRECATION |)WARNING\]: |\[ERROR\]: |\[DEPRECATED\]: ")


class Messages:
    """What was printed while :func:`quiet` held."""

    def __init__(self) -> None:
        self._text = io.StringIO()

    @property
    def stream(self) -> io.StringIO:
        """Where it goes."""
        return self._text

    def warnings(self) -> list[str]:
        """Each warning and error as one line, in order."""
        text = _COLOUR.sub("", self._text.getvalue())
        return [" ".join(part.split()) for part in _MARK.split(text)[1:]]


@contextlib.contextmanager
def quiet() -> Iterator[Messages]:
    """Keep what is printed to the standard streams."""
    messages = Messages()
    with contextlib.redirect_stdout(messages.stream), contextlib.redirect_stderr(messages.stream):
        yield messages
