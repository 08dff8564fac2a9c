"""Reading multipart/form-data bodies piece by piece, so that a file never has to fit in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email.message import Message

_NAME_LIMIT = 16 * 1024  # bytes of one part's headers


class MultipartError(Exception):
    """The body is not what its content type says."""


class Part:
    """One part of a body: its field name, file name, content type and data."""

    def __init__(self, headers: Message, data: AsyncIterator[bytes]) -> None:
        disposition = headers["content-disposition"] or ""
        self.name = _parameter(disposition, "name")
        self.filename = _parameter(disposition, "filename")
        self.content_type = headers.get_content_type()
        self.data = data


def boundary_of(content_type: str) -> bytes:
    """The boundary in a content type; MultipartError when it has none."""
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary:
        raise MultipartError("the content type is not multipart/form-data with a boundary")
    return boundary.encode("latin-1", "replace")


async def parts(stream: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[Part]:
    """The parts of a body in order. A part's data must be read before the next part.

    Parameters
    ----------
    stream : async iterator of bytes
        The body in pieces of any size.
    boundary : bytes
        What `boundary_of` gave.
    """
    reader = _Reader(stream, b"\r\n--" + boundary)
    # The first delimiter has no line before it.
    reader.buffer = bytearray(b"\r\n")
    async for _ in reader.until_delimiter():
        pass
    while True:
        ending = await reader.take(2)
        if ending == b"--":
            return
        if ending != b"\r\n":
            raise MultipartError("a delimiter is not followed by a line end")
        part = Part(_headers(await reader.head()), reader.until_delimiter())
        yield part
        async for _ in part.data:
            pass


class _Reader:
    def __init__(self, stream: AsyncIterator[bytes], delimiter: bytes) -> None:
        self.buffer = bytearray()
        self._stream = stream
        self._delimiter = delimiter

    async def until_delimiter(self) -> AsyncIterator[bytes]:
        """The data before the next delimiter, which is taken too."""
        keep = len(self._delimiter) - 1
        while True:
            found = self.buffer.find(self._delimiter)
            if found >= 0:
                data = bytes(self.buffer[:found])
                del self.buffer[: found + len(self._delimiter)]
                if data:
                    yield data
                return
            # The end of the buffer may be the beginning of a delimiter.
            ready = len(self.buffer) - keep
            if ready > 0:
                data = bytes(self.buffer[:ready])
                del self.buffer[:ready]
                yield data
            await self._more()

    async def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            await self._more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    async def head(self) -> bytes:
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > _NAME_LIMIT:
                raise MultipartError("the headers of a part are too long")
            await self._more()
        return (await self.take(end + 4))[:-4]

    async def _more(self) -> None:
        # Empty pieces say nothing; the end of the stream inside a part is an error.
        async for chunk in self._stream:
            if chunk:
                self.buffer += chunk
                return
        raise MultipartError("the body ends too early")


def _headers(text: bytes) -> Message:
    message = Message()
    for line in text.decode("utf-8", "surrogateescape").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            message[name.strip()] = value.strip()
    return message


def _parameter(disposition: str, name: str) -> str | None:
    match = re.search(rf'(?:^|;)\s*{name}="([^"]*)"', disposition)
    if match is None:
        return None
    # Clients write only these three characters as escapes.
    value = match[1]
    for escape, character in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        value = value.replace(escape, character)
    return value
