import hashlib
import os

from fleet.found import found_file, read_found, write_found

GPUS = {"gpus": 2, "mig": {"0": ["3g.40gb", "3g.40gb"]}}


def test_what_was_found_is_read_again(tmp_path):
    inventory = tmp_path / "mysite"

    assert read_found(inventory, "gpu-1", state=tmp_path) is None
    assert write_found(inventory, {"gpu-1": GPUS}, state=tmp_path) == ["gpu-1"]
    assert read_found(inventory, "gpu-1", state=tmp_path) == GPUS
    assert write_found(inventory, {"gpu-1": GPUS}, state=tmp_path) == []


def test_hosts_of_the_same_name_in_two_inventories_are_two(tmp_path):
    write_found(tmp_path / "one", {"gpu-1": GPUS}, state=tmp_path)

    assert read_found(tmp_path / "other", "gpu-1", state=tmp_path) is None


def test_an_inventory_is_known_by_its_real_path(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    path = found_file(tmp_path / "link", "gpu-1", state=tmp_path)
    real = os.path.realpath(tmp_path / "real")

    assert path.parent.name == hashlib.sha256(real.encode()).hexdigest()[:16]


def test_a_dry_run_writes_nothing(tmp_path):
    assert write_found(tmp_path, {"gpu-1": GPUS}, state=tmp_path / "s", dry_run=True) == ["gpu-1"]
    assert not (tmp_path / "s").exists()


def test_a_broken_file_counts_as_none(tmp_path):
    write_found(tmp_path, {"gpu-1": GPUS}, state=tmp_path)
    found_file(tmp_path, "gpu-1", state=tmp_path).write_text("{")

    assert read_found(tmp_path, "gpu-1", state=tmp_path) is None
    assert write_found(tmp_path, {"gpu-1": GPUS}, state=tmp_path) == ["gpu-1"]
