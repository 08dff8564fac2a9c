"""The embedded server as one file."""

import subprocess
import sys
import zipfile

import pytest

from fleet import bundle
from fleet.errors import FleetError


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "server.pyz"
    assert bundle.write(path)
    return path


def test_the_same_code_gives_the_same_bytes(made, tmp_path):
    assert not bundle.write(made)
    bundle.write(tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == made.read_bytes()


def test_it_runs_without_anything_installed(made):
    # -I -S: no site-packages, no folder of this repository.
    command = [sys.executable, "-I", "-S", str(made)]
    usage = subprocess.run(command, capture_output=True, text=True, check=False)
    missing = subprocess.run(
        [*command, "backup", "/no/such/file"], capture_output=True, text=True, check=False
    )

    assert "usage:" in usage.stderr
    assert "error: the settings cannot be read" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_it_holds_python_alone_and_nothing_of_the_fleets_other_tooling(made):
    names = zipfile.ZipFile(made).namelist()

    assert "fleet/server/run.py" in names
    assert [name for name in names if name.endswith((".so", ".pyc"))] == []
    assert [name for name in names if name.startswith(("fleet/cli", "ml/phases"))] == []


def test_another_version_than_the_locks_is_refused(tmp_path):
    lock = tmp_path / "control.lock"
    lock.write_text(bundle.LOCK.read_text().replace("\nuvicorn==", "\nuvicorn==0.0."))

    with pytest.raises(FleetError, match="not the version that is locked"):
        bundle.write(tmp_path / "server.pyz", lock=lock)
    assert not (tmp_path / "server.pyz").exists()


def test_a_package_that_was_changed_is_refused(tmp_path, monkeypatch):
    original = bundle.Path.read_bytes
    monkeypatch.setattr(
        bundle.Path,
        "read_bytes",
        lambda path: original(path) + (b"#" if path.name == "applications.py" else b""),
    )

    with pytest.raises(FleetError, match="not as it was installed"):
        bundle.write(tmp_path / "server.pyz")
