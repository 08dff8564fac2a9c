"""Adding packages, by pip as it is, from a folder of small wheels."""

import subprocess
import sys
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
    install(["fleet-small==1.0"], tmp_path / "added", lines.append)
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
        ("fleet-newer==1.0", "conflicting dependencies"),
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
