import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from ml.runtime.errors import UserError
from ml.smoke import checks
from ml.smoke.parameters import ExpectedFields

IMAGE = "registry:5000/fleet/cpu@sha256:" + "a" * 64
OTHER = "registry:5000/fleet/cpu@sha256:" + "b" * 64


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.com"]
    return subprocess.run(
        [*command, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def clone(tmp_path):
    """A clone of one file, and its commit."""
    git(tmp_path, "init", "-q")
    (tmp_path / "step.py").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path, git(tmp_path, "rev-parse", "HEAD")


def test_the_image_is_told_by_its_digest_whatever_the_registry():
    given = {checks.IMAGE_VARIABLE: IMAGE.replace("registry:5000", "mirror:80")}

    assert checks.image(IMAGE, given).startswith("mirror:80/")


@pytest.mark.parametrize("given", [{}, {checks.IMAGE_VARIABLE: OTHER}])
def test_another_image_is_told(given):
    with pytest.raises(UserError, match="not from " + IMAGE) as error:
        checks.image(IMAGE, given)

    assert "site.yml" in error.value.mend


def test_a_package_of_the_lock_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(checks.environment, "locked", lambda: {"pydantic": "1", "nowhere": "2"})

    with pytest.raises(UserError, match=r"1 packages .* not in the image: nowhere"):
        checks.python()


def test_the_clone_is_at_the_commit(clone):
    folder, commit = clone

    assert commit[:12] in checks.clone(commit, folder)


def test_another_commit_and_an_edited_clone_are_told(clone):
    folder, commit = clone
    with pytest.raises(UserError, match=f"at commit {commit[:12]}, not 000000000000"):
        checks.clone("0" * 40, folder)

    (folder / "step.py").write_text("2\n")

    with pytest.raises(UserError, match=r"differs from its commit: M step\.py"):
        checks.clone(commit, folder)


def test_code_that_is_no_clone_is_told(tmp_path):
    with pytest.raises(UserError, match="no clone that git can read"):
        checks.clone("0" * 40, tmp_path)


@pytest.fixture
def mounts(tmp_path):
    """A table of mounts like the kernel's, in which a folder has the given options."""

    def write(folder, options):
        table = tmp_path / "mountinfo"
        name = str(folder).replace(" ", "\\040")
        table.write_text(f"36 35 98:0 / {name} {options},relatime shared:1 - ext4 /dev/sda rw\n")
        return table

    return write


def test_a_folder_for_reading(tmp_path, mounts):
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "table").touch()

    assert checks.mount(str(folder), False, mounts(folder, "ro")) == "1 entries, for reading"


def test_a_folder_that_is_not_mounted_is_told_though_it_is_there(tmp_path, mounts):
    with pytest.raises(UserError, match="is not mounted") as error:
        checks.mount(str(tmp_path), False, mounts("/elsewhere", "ro"))

    assert f"target {tmp_path}" in error.value.where


def test_a_folder_for_reading_that_can_be_written_is_told(tmp_path, mounts):
    with pytest.raises(UserError, match="declared for reading"):
        checks.mount(str(tmp_path), False, mounts(tmp_path, "rw"))


def test_a_writable_folder_is_written_and_left_as_it_was(tmp_path, mounts):
    folder = tmp_path / "out"
    folder.mkdir()

    assert "can be written" in checks.mount(str(folder), True, mounts(folder, "rw"))
    assert list(folder.iterdir()) == []


def test_a_writable_folder_that_cannot_be_written_is_told(mounts):
    # nobody can make a file there
    with pytest.raises(UserError, match="cannot be written"):
        checks.mount("/proc", True, mounts("/proc", "rw"))


class Driver:
    """A stub of NVIDIA's driver, which cannot be here."""

    def __init__(self, count: int, code: int = 0) -> None:
        self.count, self.code = count, code

    def cuInit(self, _flags: int) -> int:
        return self.code

    def cuDeviceGetCount(self, into) -> int:
        ctypes.cast(into, ctypes.POINTER(ctypes.c_int))[0] = self.count
        return 0


def test_as_many_gpus_as_the_slot_owns_are_visible():
    assert checks.gpus(2, lambda _name: Driver(2)) == "2 visible"


@pytest.mark.parametrize(
    ("driver", "said"), [(Driver(1), "1 visible"), (Driver(2, 100), "error 100 of the driver")]
)
def test_other_gpus_are_told(driver, said):
    with pytest.raises(UserError, match=said):
        checks.gpus(2, lambda _name: driver)


def test_without_a_driver_no_gpu_is_visible():
    with pytest.raises(UserError, match="no GPU is visible") as error:
        checks.gpus(1)

    assert "nvidia-smi" in error.value.mend


def test_each_check_is_made_though_the_first_fails():
    expected = ExpectedFields(
        image=IMAGE,
        commit="0" * 40,
        mounts='{"/nowhere": "read"}',
        object_stores='{"s3://nothing-of-ours": ""}',
        gpus=1,
    )

    found = {result.name: result.ok for result in checks.check_all(expected, {})}

    assert found == {
        "image": False,
        "python": True,
        "clone": False,
        "mount /nowhere": False,
        "object store s3://nothing-of-ours": False,
        "gpu": False,
    }


def test_the_report_says_what_where_and_what_to_do():
    expected = ExpectedFields(image=IMAGE, commit="0" * 40)

    text = checks.report(list(checks.check_all(expected, {})))

    assert text.startswith("FAIL  image   the agent starts tasks from")
    assert "   at: the slot's agent" in text
    assert "  fix: run site.yml" in text
    assert "ok    python  Python 3.11" in text
    assert sys.executable in text
