"""The multipart reader, whatever the pieces in which a body arrives."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.server.multipart import MultipartError, boundary_of, parts

BOUNDARY = b"0123456789abcdef"


def body_of(files: dict[str, bytes]) -> bytes:
    pieces = [
        b'--%b\r\nContent-Disposition: form-data; name="f"; filename="%b"\r\n'
        b"Content-Type: text/plain\r\n\r\n%b\r\n" % (BOUNDARY, name.encode(), data)
        for name, data in files.items()
    ]
    return b"".join(pieces) + b"--%b--\r\n" % BOUNDARY


async def read(body: bytes, size: int) -> dict[str, bytes]:
    async def stream():
        for start in range(0, len(body), size):
            yield body[start : start + size]

    found = {}
    async for part in parts(stream(), BOUNDARY):
        found[part.filename] = b"".join([chunk async for chunk in part.data])
    return found


@given(
    data=st.lists(
        st.binary(max_size=200)
        | st.sampled_from([b"\r\n--", b"\r\n--0123", b"--" + BOUNDARY[:-1]]),
        max_size=4,
    ),
    size=st.integers(1, 300),
)
def test_any_pieces(data, size):
    files = {f"file {number}": content for number, content in enumerate(data)}
    assert asyncio.run(read(body_of(files), size)) == files


@given(st.binary(max_size=300), st.integers(1, 50))
def test_anything_else_is_an_error_or_nothing(body, size):
    try:
        asyncio.run(read(body, size))
    except MultipartError:
        return
    assert body.startswith(b"--" + BOUNDARY)


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "a;b=c"])
def test_content_types_without_a_boundary(kind):
    with pytest.raises(MultipartError):
        boundary_of(kind)
