from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.images import engine


def put_client(folder: Path, *, version: str, buildx: bool) -> str:
    folder.mkdir()
    client = folder / "docker"
    client.write_text(
        "#!/bin/sh\n"
        f'case "$1" in buildx) exit {0 if buildx else 1};; version) echo {version};; esac\n'
    )
    client.chmod(0o755)
    return str(client)


@pytest.fixture
def only(monkeypatch):
    def clients(*found):
        monkeypatch.setattr(engine, "_clients", lambda: list(found))

    return clients


def test_a_client_with_buildx_is_taken(tmp_path, only):
    client = put_client(tmp_path / "a", version="28.2.2", buildx=True)
    only(client)
    assert engine.find_builder() == engine.Builder((client, "buildx", "build", "--load"), {})


def test_an_older_client_behind_a_newer_one_without_buildx_is_found(tmp_path, only):
    new = put_client(tmp_path / "a", version="28.2.2", buildx=False)
    old = put_client(tmp_path / "b", version="20.10.24+dfsg1", buildx=False)
    only(new, old)
    assert engine.find_builder() == engine.Builder((old, "build"), {"DOCKER_BUILDKIT": "1"})


def test_without_a_client_that_can_build_the_fix_is_named(tmp_path, only):
    new = put_client(tmp_path / "a", version="28.2.2", buildx=False)
    only(new)
    with pytest.raises(FleetError, match=r"28\.2\.2, without buildx") as caught:
        engine.find_builder()
    assert "buildx" in caught.value.mend


def test_clients_are_looked_for_along_the_path(tmp_path, monkeypatch):
    first = put_client(tmp_path / "a", version="1", buildx=False)
    second = put_client(tmp_path / "b", version="1", buildx=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert engine._clients()[:2] == [first, second]
