"""What role nvidia reads of keys, drivers and GPUs; nvidia-smi is a stub: there is no driver."""

import base64
import importlib.util
import json
import subprocess
import sys
import types

import pytest

from fleet.paths import REPOSITORY

STUB = REPOSITORY / "molecule" / "nvidia" / "files" / "nvidia-smi-stub"


@pytest.fixture
def gpus(monkeypatch, tmp_path):
    """What both modules share, with the stub as the driver and files of the test's own."""
    stub = tmp_path / "bin" / "nvidia-smi"
    stub.parent.mkdir()
    text = (
        STUB.read_text().replace("/var/lib/misc/", f"{tmp_path}/").replace("/run/", f"{tmp_path}/")
    )
    stub.write_text(text.replace("#!/usr/bin/python3", f"#!{sys.executable}"))
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", str(stub.parent))
    for name in ("fleet_gpus", "fleet_mig"):
        shared = load(f"ansible/plugins/module_utils/{name}.py")
        monkeypatch.setitem(sys.modules, f"ansible.module_utils.{name}", shared)
    return sys.modules["ansible.module_utils.fleet_gpus"]


@pytest.fixture
def driver(gpus):
    return load("roles/nvidia/library/nvidia_driver.py")


@pytest.fixture
def boot(gpus, tmp_path, monkeypatch):
    """What a node does after a boot where GPU 0 is in two and GPU 1 whole; its exit code."""
    program = load("roles/nvidia/files/divide_at_boot.py")
    monkeypatch.setattr(program, "PAUSE_SECONDS", 0)
    settings = tmp_path / "mig.json"
    wanted = {"0": ["3g.40gb", "3g.40gb"]}
    settings.write_text(json.dumps({"mig": wanted, "wishes": str(tmp_path / "wishes")}))
    return lambda: program.main(str(settings))


@pytest.fixture
def source(gpus):
    return load("roles/nvidia/library/nvidia_source.py")


# As `python3 FOLDER SETTINGS` does, in an interpreter that finds the standard library alone.
ISOLATED = """
import runpy, sys
sys.argv[0:] = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def load(path):
    spec = importlib.util.spec_from_file_location("loaded", REPOSITORY / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_gpus_are_divided_divided_anew_and_made_whole(driver):
    wanted = {"0": ["3g.40gb", "3g.40gb"]}
    assert driver.to_divide(wanted, driver.layouts()) == ["0"]
    driver.divide(["0"], wanted)
    assert driver.layouts() == {"0": ["3g.40gb", "3g.40gb"], "1": []}
    assert driver.to_divide(wanted, driver.layouts()) == []

    other = {"0": ["7g.80gb"], "1": ["1g.10gb", "3g.40gb"]}
    driver.divide(["0", "1"], other)
    assert driver.layouts() == other
    driver.divide(["0", "1"], {})
    assert driver.layouts() == {"0": [], "1": []}
    assert driver.query("index", "mig.mode.current") == [["0", "Disabled"], ["1", "Disabled"]]


def test_the_order_is_no_reason_to_divide_but_is_told(driver, gpus):
    driver.divide(["0"], {"0": ["3g.40gb", "1g.10gb"]})
    told = {"0": ["1g.10gb", "3g.40gb"]}

    assert driver.to_divide(told, driver.layouts()) == []
    with pytest.raises(gpus.GpuError, match=r"in the driver's order: \{0: \[3g.40gb, 1g.10gb\]\}"):
        driver.check_order(told, driver.layouts())


class Failed(Exception):
    """The module failed, with this message."""


@pytest.fixture
def module(driver, monkeypatch):
    """Run the module for a layout; what it says at its end."""

    def run(mig, *, check_mode=False, divide=True):
        said = {}

        def fail_json(msg):
            raise Failed(msg)

        params = {"minimum_version": "550", "divide": divide, "mig": mig}
        made = types.SimpleNamespace(
            params=params, check_mode=check_mode, fail_json=fail_json, exit_json=said.update
        )
        monkeypatch.setattr(driver, "AnsibleModule", lambda **_: made)
        driver.main()
        return said

    return run


def test_a_layout_is_applied_once(module):
    wanted = {"0": ["3g.40gb", "3g.40gb"]}
    dry = module(wanted, check_mode=True)
    first, again = module(wanted), module(wanted)

    assert [dry["changed"], first["changed"], again["changed"]] == [True, True, False]
    assert dry["mig"] == {"0": [], "1": []}
    assert first["mig"] == again["mig"] == {"0": ["3g.40gb", "3g.40gb"], "1": []}
    assert not module({}, divide=False)["changed"]


def test_what_was_applied_is_looked_at_and_nothing_is_taken_on_trust(module, driver, monkeypatch):
    monkeypatch.setattr(driver, "divide", lambda *_: None)  # a driver that says yes, and does not

    with pytest.raises(Failed, match="GPU 0 is divided into nothing by the driver, not into 3g"):
        module({"0": ["3g.40gb"]})


def test_nothing_is_divided_while_something_uses_a_gpu(module, driver, tmp_path):
    (tmp_path / "nvidia-smi-stub.users").write_text("4711, python3\n")

    with pytest.raises(Failed, match=r"process 4711 \(python3\) use GPUs; fix: drain"):
        module({"0": ["3g.40gb"]})
    assert driver.layouts() == {"0": [], "1": []}


def test_a_gpu_that_is_not_there_is_told(driver, gpus):
    with pytest.raises(gpus.GpuError, match="fleet_mig names GPU 7"):
        driver.to_divide({"7": ["1g.10gb"]}, driver.layouts())


@pytest.mark.parametrize("minimum", ["550", "550.163.01", "550.54.15", "99.9"])
def test_a_driver_that_is_new_enough_will_do(driver, minimum):
    assert driver.check_version(minimum) == "550.163.01"


@pytest.mark.parametrize("minimum", ["551", "550.200", "1000.1"])
def test_an_older_driver_is_told(driver, gpus, minimum):
    with pytest.raises(gpus.GpuError, match=f"550.163.01, older than {minimum}; fix: drain"):
        driver.check_version(minimum)


def test_no_driver_is_told(driver, gpus, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(gpus.GpuError, match="no NVIDIA driver is installed"):
        driver.check_version("550")


def test_processes_and_containers_that_own_a_gpu_use_it(gpus, tmp_path):
    (tmp_path / "nvidia-smi-stub.users").write_text("4711, python3\n")
    docker = tmp_path / "bin" / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = ps ]; then echo a b c; exit; fi\n'
        'printf \'/task\\trunc\\t[{"Driver":"","Count":-1}]\\n/agent\\trunc\\tnull\\n'
        "/other\\tnvidia\\t[]\\n'\n"
    )
    docker.chmod(0o755)

    assert gpus.users() == ["process 4711 (python3)", "container task", "container other"]


def packet(tag, body):
    return bytes([0x80 | tag << 2 | 1]) + len(body).to_bytes(2, "big") + body


def armoured(*packets):
    text = base64.encodebytes(b"".join(packets)).decode()
    return (
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: a test\n\n"
        f"{text}=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )


def test_the_fingerprint_of_each_primary_key_is_found(source):
    # By sha1sum, of 0x99, the length in two octets, and the body.
    one, two = packet(6, b"\x04first"), packet(6, b"\x04second")

    assert source.fingerprints(armoured(one, packet(13, b"a user"), two)) == [
        "F8EE4EFB04E79D1BEF2F077121439D1F31165973",
        "AF8B12D80C4E9E7747CF6DA8B73DC59E9F4AF56E",
    ]


def test_what_is_no_key_has_no_fingerprint(source):
    assert source.fingerprints("<html>not found</html>") == []


def test_a_second_key_in_the_file_is_refused(source, gpus, tmp_path):
    one, two = packet(6, b"\x04first"), packet(6, b"\x04second")
    (tmp_path / "key.asc").write_text(armoured(one, two))
    wanted = source.fingerprints(armoured(one))[0]

    with pytest.raises(gpus.GpuError, match=f", not {wanted}; fix: find out from NVIDIA"):
        source.fetch(f"file://{tmp_path}/key.asc", wanted)
    (tmp_path / "key.asc").write_text(armoured(one))
    assert source.fetch(f"file://{tmp_path}/key.asc", wanted) == armoured(one)


def test_a_key_that_cannot_be_fetched_is_told_with_the_way_out(source, gpus, tmp_path):
    with pytest.raises(gpus.GpuError, match="nvidia_key_url"):
        source.fetch(f"file://{tmp_path}/none", "A" * 40)


def test_apt_takes_the_pinned_version_alone_and_nothing_else_from_there(source, monkeypatch):
    monkeypatch.setattr(source, "_output", lambda *command: "amd64\n")
    texts = source.texts(
        {
            "url": "https://mirror.example.com/nvidia/$(ARCH)",
            "packages": ["a", "b"],
            "version": "1.2-1",
        }
    )

    assert "URIs: https://mirror.example.com/nvidia/amd64\n" in texts[source.SOURCE]
    assert texts[source.PREFERENCES].split("\n", 1)[1].split("\n\n") == [
        "Package: a b\nPin: version 1.2-1\nPin-Priority: 1001",
        "Package: a b\nPin: version *\nPin-Priority: -1",
        'Package: *\nPin: origin "mirror.example.com"\nPin-Priority: -1\n',
    ]


def test_gpus_are_divided_again_after_a_boot(boot, driver, tmp_path):
    assert boot() == 0
    assert driver.layouts() == {"0": ["3g.40gb", "3g.40gb"], "1": []}
    assert boot() == 0
    assert not (tmp_path / "wishes").exists()


def test_a_node_whose_gpus_are_not_divided_takes_no_task_until_they_are(boot, tmp_path):
    users = tmp_path / "nvidia-smi-stub.users"
    users.write_text("4711, dcgm\n")
    assert boot() == 1
    wish = json.loads((tmp_path / "wishes" / "drained").read_text())
    assert wish["by"] == "fleet-mig.service"
    assert "its GPUs are not divided: GPU 0" in wish["reason"]
    assert "process 4711 (dcgm)" in wish["reason"]

    users.unlink()
    assert boot() == 0
    assert not (tmp_path / "wishes" / "drained").exists()


def test_a_person_who_drained_the_node_is_not_overruled_after_a_boot(boot, tmp_path):
    drained = tmp_path / "wishes" / "drained"
    drained.parent.mkdir()
    drained.write_text('{"by": "ann", "reason": "a new disk"}')
    before = drained.read_text()
    assert boot() == 0
    (tmp_path / "bin" / "nvidia-smi").unlink()
    assert boot() == 1
    assert drained.read_text() == before


def test_the_program_that_divides_after_a_boot_needs_no_ansible(gpus, tmp_path):
    folder = tmp_path / "mig"
    folder.mkdir()
    for path, name in {
        "roles/nvidia/files/divide_at_boot.py": "__main__.py",
        **{
            f"ansible/plugins/module_utils/{name}.py": f"{name}.py"
            for name in ("fleet_gpus", "fleet_mig", "fleet_wishes")
        },
    }.items():
        text = (REPOSITORY / path).read_text()
        (folder / name).write_text(text.replace("from ansible.module_utils.", "from "))
    settings = tmp_path / "mig.json"
    settings.write_text(json.dumps({"mig": {}, "wishes": str(tmp_path / "wishes")}))
    # Without the packages of this interpreter's environment.
    command = [sys.executable, "-I", "-S", "-c", ISOLATED, str(folder), str(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the GPUs are divided as they should be\n"
