import importlib.util
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "roles" / "preflight" / "library" / "preflight_host.py"

WANTED = {
    "os_releases": {"debian": ["13"]},
    "architectures": ["x86_64"],
    "minimum_disk_gb": 5,
    "disk_path": "/var/lib",
    "maximum_clock_skew": 30,
    "control_time": 1000.0,
    "gpus": 0,
    "mig": {},
    "toolkit": True,
    "divided": True,
    "ask_gpus_for": [],
    "mounts": [],
}
GOOD = {
    "uid": 0,
    "os": {"ID": "debian", "VERSION_ID": "13"},
    "architecture": "x86_64",
    "systemd": True,
    "free_gb": 50.0,
    "time": 1001.0,
    "gpus": 0,
    "mig": {},
    "gpu_toolkit": False,
    "missing": [],
}


@pytest.fixture(scope="module")
def preflight():
    spec = importlib.util.spec_from_file_location("preflight_host", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_good_machine_has_no_problem(preflight):
    assert preflight.find_problems(WANTED, GOOD) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"uid": 1000}, "root"),
        ({"os": {"ID": "debian", "VERSION_ID": "12"}}, "debian 12"),
        ({"os": {}}, "unknown"),
        ({"architecture": "aarch64"}, "aarch64"),
        ({"systemd": False}, "systemd"),
        ({"free_gb": 1.25}, "1.2 GB"),
        ({"time": 940.0}, "-60 s"),
    ],
)
def test_each_problem_is_told_with_what_to_do(preflight, wrong, said):
    (problem,) = preflight.find_problems(WANTED, {**GOOD, **wrong})

    assert said in problem["what"]
    assert problem["mend"]


def test_gpus_that_slots_own_must_be_listed_and_usable(preflight):
    wanted = {**WANTED, "gpus": 4}
    assert preflight.find_problems(wanted, {**GOOD, "gpus": 8, "gpu_toolkit": True}) == []
    (driver,) = preflight.find_problems(wanted, {**GOOD, "gpus": 3, "gpu_toolkit": True})
    assert "own 4 GPUs, but the NVIDIA driver lists 3" in driver["what"]
    (toolkit,) = preflight.find_problems(wanted, {**GOOD, "gpus": 4})
    assert "container toolkit" in toolkit["what"]


# As NVIDIA's documentation of `nvidia-smi -L` shows it.
LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb+me   Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-1d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
"""


def test_the_drivers_list_is_read(preflight):
    assert preflight.parse_gpus(LISTING) == (2, {"0": ["3g.20gb", "1g.5gb+me"]})
    assert preflight.parse_gpus("") == (0, {})
    assert preflight.parse_gpus("NVIDIA-SMI has failed because it couldn't communicate") == (0, {})


def test_the_driver_is_asked_by_its_own_program(preflight, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert preflight.list_gpus() == ""
    stub = tmp_path / "nvidia-smi"  # a stub of the driver's program
    stub.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: GPU-a)'\n")
    stub.chmod(0o755)
    found = preflight.read_host(str(tmp_path))
    assert (found["gpus"], found["mig"]) == (1, {})


def test_a_machine_without_a_driver_cannot_be_asked_for_gpus(preflight):
    wanted = {**WANTED, "ask_gpus_for": ["gpu_nodes"]}
    (problem,) = preflight.find_problems(wanted, GOOD)
    assert "gpu_nodes" in problem["what"]
    assert "nvidia-smi -L" in problem["mend"]
    assert "fleet_gpus: 0" in problem["mend"]
    there = {**GOOD, "gpus": 2, "gpu_toolkit": True, "mig": {"1": ["3g.20gb"]}}
    assert preflight.find_problems(wanted, there) == []
    (toolkit,) = preflight.find_problems(wanted, {**there, "gpu_toolkit": False})
    assert "container toolkit" in toolkit["what"]


def test_a_mig_layout_of_the_inventory_must_be_the_drivers(preflight):
    wanted = {**WANTED, "gpus": 2, "mig": {"0": ["3g.20gb", "3g.20gb"]}}
    there = {**GOOD, "gpus": 2, "gpu_toolkit": True, "mig": {"0": ["3g.20gb", "3g.20gb"]}}
    assert preflight.find_problems(wanted, there) == []
    (problem,) = preflight.find_problems(wanted, {**there, "mig": {"0": ["7g.40gb"]}})
    assert "GPU 0 is divided into 3g.20gb, 3g.20gb by the inventory" in problem["what"]
    assert "divided into 7g.40gb by the NVIDIA driver" in problem["what"]
    (whole,) = preflight.find_problems(wanted, {**there, "mig": {**there["mig"], "1": ["7g.40gb"]}})
    assert "GPU 1 is whole by the inventory" in whole["what"]


def test_a_layout_is_not_looked_at_before_the_plan_knows_the_gpus(preflight):
    wanted = {**WANTED, "ask_gpus_for": ["gpu_nodes"]}
    there = {**GOOD, "gpus": 2, "gpu_toolkit": True, "mig": {"0": ["7g.40gb"]}}
    assert preflight.find_problems(wanted, there) == []
    assert preflight.found_gpus(there) == {"gpus": 2, "mig": {"0": ["7g.40gb"]}}


def test_a_folder_that_tasks_see_must_be_there(preflight, tmp_path):
    mounts = [
        {"group": "cpu_nodes", "source": str(tmp_path)},
        {"group": "cpu_nodes", "source": str(tmp_path / "away")},
        {"group": "gpu_nodes", "source": str(tmp_path / "away")},
    ]
    missing = preflight.read_host("/", mounts)["missing"]
    assert missing == [str(tmp_path / "away")]
    wanted = {**WANTED, "mounts": mounts}
    (problem,) = preflight.find_problems(wanted, {**GOOD, "missing": missing})
    assert "away, which tasks of cpu_nodes, gpu_nodes see, is not there" in problem["what"]
    assert "queues.yml" in problem["mend"]


def test_all_problems_are_told_at_once(preflight):
    wrong = {**GOOD, "uid": 1, "systemd": False, "free_gb": 0}

    assert len(preflight.find_problems(WANTED, wrong)) == 3


def test_os_release_is_read_without_its_quotes(preflight, tmp_path):
    file = tmp_path / "os-release"
    file.write_text('ID=debian\nVERSION_ID="13"\n# a comment\n')

    assert preflight.read_os_release(file) == {"ID": "debian", "VERSION_ID": "13"}


def test_what_another_role_will_see_to_is_no_problem_yet(preflight):
    wanted = {**WANTED, "gpus": 1, "mig": {"0": ["7g.40gb"]}, "toolkit": False, "divided": False}

    assert preflight.find_problems(wanted, {**GOOD, "gpus": 1, "mig": {}}) == []
