import subprocess

import pytest

from fleet.errors import FleetError
from fleet.images import digests
from fleet.images.digests import Pushed
from fleet.images.model import BuiltImage

CPU = Pushed(repository="fleet/cpu", digest="sha256:" + "a" * 64, inputs="b" * 64, base="registry")
CUDA = Pushed(repository="fleet/cuda", digest="sha256:" + "c" * 64, inputs="d" * 64, torch="cpu")


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "digests.yml"
    assert digests.read(path) == {}
    digests.update({"cuda": CUDA}, path)
    digests.update({"cpu": CPU}, path)
    assert digests.read(path) == {"cpu": CPU, "cuda": CUDA}
    assert path.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in tmp_path.iterdir()] == ["digests.yml"]


def test_an_image_that_was_not_pushed_has_no_entry():
    image = BuiltImage("cpu", "sha256:1", "fleet/cpu:x", "fleet/cpu", "", "b" * 64, "registry")
    with pytest.raises(ValueError, match="digest"):
        Pushed.of(image)


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("images:\n  cpu: [\n", ":", "not YAML"),
        ("images:\n  cpu: {repository: fleet/cpu, digest: latest, inputs: x}\n", "", "digest"),
        ("images: {cpu: {repository: fleet/cpu}}\n", "", "Field required"),
        ("image: {}\n", "", "image"),
    ],
)
def test_a_broken_file_is_told_with_its_place_and_mend(tmp_path, text, where, told):
    path = tmp_path / "digests.yml"
    path.write_text(text)
    with pytest.raises(FleetError, match=told) as caught:
        digests.read(path)
    assert caught.value.where.startswith(f"{path}{where}")
    assert "fleet images build" in caught.value.mend


def test_a_file_that_cannot_be_read_is_not_written_over(tmp_path):
    path = tmp_path / "digests.yml"
    path.write_text("by hand\n")
    with pytest.raises(FleetError):
        digests.update({"cpu": CPU}, path)
    assert path.read_text() == "by hand\n"


@pytest.fixture
def checkout(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "own.yml").write_text("images: {}\n")
    return tmp_path


def test_a_local_fleets_digests_are_shown_and_hidden_again(checkout):
    own, shown = checkout / "own.yml", checkout / "digests.yml"
    digests.show(own, shown)
    assert shown.read_text() == own.read_text()
    digests.hide(own, shown)
    assert not shown.exists()


def test_what_somebody_else_wrote_there_is_kept(checkout):
    own, shown = checkout / "own.yml", checkout / "digests.yml"
    shown.write_text("images: {cpu: other}\n")
    digests.hide(own, shown)
    assert shown.exists()


def test_a_release_that_git_tracks_is_left_alone(checkout):
    own, shown = checkout / "own.yml", checkout / "digests.yml"
    shown.write_text("release\n")
    subprocess.run(["git", "-C", str(checkout), "add", "digests.yml"], check=True)
    digests.show(own, shown)
    assert shown.read_text() == "release\n"
    shown.write_text(own.read_text())
    digests.hide(own, shown)
    assert shown.exists()
