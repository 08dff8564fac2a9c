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
}
GOOD = {
    "uid": 0,
    "os": {"ID": "debian", "VERSION_ID": "13"},
    "architecture": "x86_64",
    "systemd": True,
    "free_gb": 50.0,
    "time": 1001.0,
    "gpus": 0,
    "gpu_toolkit": False,
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


def test_the_drivers_list_is_counted(preflight, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert preflight.count_gpus() == 0
    smi = tmp_path / "nvidia-smi"  # stands in for the driver's program, by its documented output
    smi.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: GPU-a)'\necho '  MIG 1g.10gb'\n")
    smi.chmod(0o755)
    assert preflight.count_gpus() == 1


def test_all_problems_are_told_at_once(preflight):
    wrong = {**GOOD, "uid": 1, "systemd": False, "free_gb": 0}

    assert len(preflight.find_problems(WANTED, wrong)) == 3


def test_os_release_is_read_without_its_quotes(preflight, tmp_path):
    file = tmp_path / "os-release"
    file.write_text('ID=debian\nVERSION_ID="13"\n# a comment\n')

    assert preflight.read_os_release(file) == {"ID": "debian", "VERSION_ID": "13"}
