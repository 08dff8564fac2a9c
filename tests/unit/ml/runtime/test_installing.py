"""Adding packages, by pip as it is, from a folder of small wheels."""

import io
import subprocess
import sys
import tarfile
import zipfile

import pytest

from ml.runtime.environment import installed
from ml.runtime.errors import UserError
from ml.runtime.installing import install


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of wheels as the only index; pip's settings come from the environment."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "fleet_small", "1.0", "pluggy", "fleet_smaller")
    write_wheel(folder, "fleet_smaller", "2.0")
    write_wheel(folder, "fleet_newer", "1.0", "pluggy>=99")
    write_wheel(folder, "pluggy", "99.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(sys, "path", list(sys.path))
    return folder


def write_wheel(folder, name, version, *requires):
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD"
    files[record] = "".join(f"{file},,\n" for file in [*files, record])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)


def test_a_package_is_added_with_what_it_needs_and_nothing_is_replaced(index, tmp_path):
    before = installed()
    lines = []
    install(["fleet-small==1.0", "fleet-smaller==2.0"], tmp_path / "added", lines.append)
    after = installed()
    assert {name: after[name] for name in set(after) - set(before)} == {
        "fleet-small": "1.0",
        "fleet-smaller": "2.0",
    }
    assert {name: after[name] for name in before} == before
    code = "import sys; sys.path = sys.argv[1:]; import fleet_small; print(fleet_small.VERSION)"
    shown = subprocess.run([sys.executable, "-c", code, *sys.path], capture_output=True, text=True)
    assert shown.stdout.strip() == "1.0", shown.stderr
    assert any("Successfully installed" in line for line in lines)


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("fleet-small==3.0", "Could not find a version"),
        ("pluggy==99.0", "pluggy==99.0"),
    ],
)
def test_what_does_not_go_with_the_image_is_told_in_pips_words(index, tmp_path, package, said):
    with pytest.raises(UserError, match=f"the packages {package} cannot be added") as caught:
        install([package], tmp_path / "added", lambda line: None)
    assert said in caught.value.what
    assert caught.value.failure_class == "dependency"


def test_what_is_there_already_costs_nothing(tmp_path):
    version = installed()["pluggy"]
    install([f"Pluggy=={version}"], tmp_path / "added", pytest.fail)
    assert not (tmp_path / "added").exists()


@pytest.mark.parametrize(
    ("package", "need"),
    [
        ("fleet-small==1.0", "fleet-small 1.0 needs fleet-smaller, which is not there"),
        ("fleet-newer==1.0", "fleet-newer 1.0 needs pluggy>=99, "),
        ("fleet-extra==1.0", "pytest-none"),
        ("fleet-pick==1.0", "small-marked"),
    ],
)
def test_what_is_needed_and_not_declared_does_not_enter(index, tmp_path, package, need):
    write_wheel(index, "fleet_extra", "1.0", "fleet_marked[more]")
    write_wheel(index, "fleet_marked", "1.0", "pytest-none; extra == 'more'", "never; extra == 'x'")
    write_wheel(
        index, "fleet_pick", "1.0", "small-marked; python_version > '3'", "never; os_name == 'x'"
    )
    packages = [package, *(["fleet-marked==1.0"] if "extra" in package else [])]
    with pytest.raises(UserError, match="are not enough") as caught:
        install(packages, tmp_path / "added", lambda line: None)
    assert need in caught.value.what
    assert "never" not in caught.value.what
    assert caught.value.failure_class == "dependency"
    assert not {"fleet-smaller", "pytest-none", "small-marked"} & set(installed())


def test_nothing_is_built(index, tmp_path):
    with tarfile.open(index / "fleet_source-1.0.tar.gz", "w:gz") as archive:
        made = tmp_path / "ran"
        setup = (
            f"open({str(made)!r}, 'w')\nfrom setuptools import setup\nsetup(name='fleet-source')"
        )
        for name, text in {
            "setup.py": setup,
            "PKG-INFO": "Metadata-Version: 2.1\nName: fleet-source\nVersion: 1.0\n",
        }.items():
            info = tarfile.TarInfo(f"fleet_source-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    with pytest.raises(UserError, match="cannot be added"):
        install(["fleet-source==1.0"], tmp_path / "added", lambda line: None)
    assert not made.exists()


def test_a_package_is_never_an_option_of_pip(index, tmp_path):
    lines = []
    with pytest.raises(UserError, match="cannot be added"):
        install([f"--report={tmp_path}/report"], tmp_path / "added", lines.append)
    assert not (tmp_path / "report").exists()
    assert any("Invalid requirement" in line for line in lines)
