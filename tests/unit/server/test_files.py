"""The file store."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from clearml.utilities.requests_toolbelt.multipart.encoder import MultipartEncoder


def upload(api, name: str, data: bytes) -> requests.Response:
    """Upload as the SDK does."""
    body = MultipartEncoder(fields={name: (name, data, "application/octet-stream")})
    return api.session.post(
        api.files, data=body, headers={"Content-Type": body.content_type}, timeout=30
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\r\n--", os.urandom(3_000_000), b"\r\n" * 100_000, b"\r\n--" * 50_000],
    ids=["empty", "small", "like a delimiter", "large", "line ends", "near delimiters"],
)
def test_round_trip(api, data):
    assert upload(api, "lab/task.1/artifacts/a.bin", data).status_code == 200
    response = api.session.get(f"{api.files}/lab/task.1/artifacts/a.bin", timeout=30)
    assert response.status_code == 200
    assert response.content == data


@pytest.mark.parametrize("name", ["ü b/Ω.txt", "with space.txt", 'a"quote.txt', "50%.txt", "a..b"])
def test_names(api, name):
    assert upload(api, name, b"data").status_code == 200
    url = f"{api.files}/{requests.utils.quote(name)}"
    assert api.session.get(url, timeout=10).content == b"data"


def test_head_ranges_and_types(api):
    upload(api, "typed/a.json", b"0123456789")
    url = f"{api.files}/typed/a.json"
    head = api.session.head(url, timeout=10)
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert head.headers["content-type"] == "application/json"
    part = api.session.get(url, headers={"Range": "bytes=2-4"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"234")
    assert api.session.get(url, headers={"Range": "bytes=50-"}, timeout=10).status_code == 416


def test_replace_and_delete(api, server):
    upload(api, "gone/deep/a.txt", b"one")
    upload(api, "gone/deep/a.txt", b"two")
    url = f"{api.files}/gone/deep/a.txt"
    assert api.session.get(url, timeout=10).content == b"two"
    assert api.session.delete(url, timeout=10).status_code == 200
    assert api.session.get(url, timeout=10).status_code == 404
    assert api.session.delete(url, timeout=10).status_code == 404
    assert not (server.data / "files" / "gone").exists()


def test_a_folder_that_is_deleted_during_an_upload_is_made_again(api, server):
    upload(api, "shared/first.txt", b"first")
    unfinished = server.data / "files" / ".uploading"

    def body():
        yield b"one "
        wait_for(lambda: any(unfinished.iterdir()))
        with requests.Session() as session:
            session.headers.update(api.session.headers)
            url = f"{api.files}/shared/first.txt"
            assert session.delete(url, timeout=10).status_code == 200
        assert not (server.data / "files" / "shared").exists()
        yield b"two"

    url = f"{api.files}/shared/second.txt"
    assert api.session.put(url, data=body(), timeout=10).status_code == 200
    assert api.session.get(url, timeout=10).content == b"one two"


def wait_for(condition) -> None:
    """Wait until a condition holds, five seconds at most."""
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about in time")


def test_a_file_that_is_replaced_meanwhile_is_read_whole(api):
    contents = [b"a" * 10, b"b" * 5_000, b"c" * 300_000]
    upload(api, "replaced.bin", contents[0])

    def replace() -> None:
        for number in range(150):
            upload(api, "replaced.bin", contents[number % len(contents)])

    def read() -> set[bytes]:
        token = api.session.headers["Authorization"]
        with requests.Session() as session:
            session.headers["Authorization"] = token
            url = f"{api.files}/replaced.bin"
            return {session.get(url, timeout=30).content for _ in range(100)}

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(4)]
        pool.submit(replace).result()
        assert set().union(*(reader.result() for reader in readers)) <= set(contents)


def test_put(api):
    assert api.session.put(f"{api.files}/put/a.txt", data=b"plain", timeout=10).status_code == 200
    assert api.session.get(f"{api.files}/put/a.txt", timeout=10).content == b"plain"


def test_token_as_header_cookie_or_parameter(api):
    upload(api, "auth/a.txt", b"secret")
    url = f"{api.files}/auth/a.txt"
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.delete(url, timeout=10).status_code == 401
    assert requests.post(api.files, data=b"", timeout=10).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer x"}, timeout=10).status_code == 401
    cookies = {"clearml_token_basic": api.token}
    assert requests.get(url, cookies=cookies, timeout=10).content == b"secret"
    assert requests.get(url, params={"token": api.token}, timeout=10).content == b"secret"


@pytest.mark.parametrize(
    "name", ["../outside", "a/../../outside", "/../outside", "..", ".uploading/x", "a\\..\\b"]
)
def test_no_way_out(api, server, name):
    assert upload(api, name, b"data").status_code == 400
    assert not (server.data / "outside").exists()


@pytest.mark.parametrize("path", ["../fleet.db", "%2e%2e/fleet.db", "a/%2e%2e/%2e%2e/fleet.db"])
def test_no_download_from_outside(api, path):
    request = requests.Request("GET", api.files).prepare()
    request.url = f"{api.files}/{path}"
    request.headers["Authorization"] = f"Bearer {api.token}"
    assert api.session.send(request, timeout=10).status_code in (400, 404)


def test_links_lead_nowhere(api, server):
    (server.data / "files" / "link").symlink_to(server.data)
    assert api.session.get(f"{api.files}/link/clearml.conf", timeout=10).status_code == 400


def test_folders_and_files_in_the_way(api):
    upload(api, "way/file", b"x")
    assert upload(api, "way/file/below", b"x").status_code == 409
    assert upload(api, "way", b"x").status_code == 409
    assert api.session.get(f"{api.files}/way", timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"data", "text/plain"),
        (b"data", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\n", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"; filename="cut"\r\n\r\nda',
            "multipart/form-data; boundary=b",
        ),
        (b"--b\r\n" + b"x" * 40_000, "multipart/form-data; boundary=b"),
    ],
)
def test_broken_uploads_leave_nothing(api, server, body, kind):
    response = api.session.post(api.files, data=body, headers={"Content-Type": kind}, timeout=10)
    assert response.status_code == 400
    assert not (server.data / "files" / "cut").exists()
    assert not list((server.data / "files" / ".uploading").glob("*"))
