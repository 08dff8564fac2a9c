import json

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fleet.images import sbom
from fleet.images.examine import Installed
from fleet.images.model import BuiltImage

IMAGE = BuiltImage("cpu", "sha256:1", "fleet/cpu:1", "fleet/cpu", "", "ab" * 32, "registry")
INSTALLED = Installed(
    python=[
        {"name": "numpy", "version": "2.0", "licences": ["BSD-3-Clause AND MIT"]},
        {"name": "six", "version": "1.17", "licences": ["Somebody's own"]},
        {"name": "mute", "version": "1", "licences": []},
    ],
    debian=[
        {"name": "libc6", "version": "2.36-9+deb12u10", "architecture": "amd64",
         "source": "glibc", "licences": ["GPL-2+", "LGPL-2.1-or-later"]},
        {"name": "docker-cli", "version": "26", "architecture": "amd64", "source": "docker.io",
         "licences": [], "foreign": True},
    ],
)  # fmt: skip


def parts(text):
    return {part["name"]: part for part in json.loads(text)["components"]}


def test_each_package_is_there_with_its_version_licence_and_address():
    found = parts(sbom.document(IMAGE, INSTALLED, "bookworm"))
    assert set(found) == {"numpy", "six", "mute", "libc6", "docker-cli"}
    assert found["numpy"]["licenses"] == [{"expression": "BSD-3-Clause AND MIT"}]
    assert found["six"]["licenses"] == [{"license": {"name": "Somebody's own"}}]
    assert "licenses" not in found["mute"]
    assert sorted(map(str, found["libc6"]["licenses"])) == [
        "{'license': {'id': 'LGPL-2.1-or-later'}}",
        "{'license': {'name': 'GPL-2+'}}",
    ]
    assert found["numpy"]["purl"] == "pkg:pypi/numpy@2.0"
    assert found["libc6"]["version"] == "2.36-9+deb12u10"
    assert found["libc6"]["purl"].startswith("pkg:deb/debian/libc6@2.36-9")
    assert "distro=bookworm" in found["libc6"]["purl"]
    assert "distro" not in found["docker-cli"]["purl"]
    assert "upstream=glibc" in found["libc6"]["purl"]


def test_the_same_content_has_the_same_bill_to_the_byte():
    turned = Installed(INSTALLED.python[::-1], INSTALLED.debian)
    text = sbom.document(IMAGE, INSTALLED, "bookworm")
    assert sbom.document(IMAGE, turned, "bookworm") == text
    assert "timestamp" not in text
    other = Installed(INSTALLED.python[1:], INSTALLED.debian)
    numbers = {
        json.loads(sbom.document(IMAGE, one, "bookworm"))["serialNumber"]
        for one in (INSTALLED, turned, other)
    }
    assert len(numbers) == 2


def test_the_bill_is_what_the_standard_allows():
    text = sbom.document(IMAGE, INSTALLED, "bookworm")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_a_bill_takes_the_place_of_the_last_one(tmp_path):
    folder = sbom.folder_beside(tmp_path / "digests.yml")
    sbom.write("old", "cpu", folder)
    path = sbom.write("new", "cpu", folder)
    assert path == tmp_path / "sbom" / "cpu.cdx.json"
    assert path.read_text() == "new"
    assert [file.name for file in folder.iterdir()] == ["cpu.cdx.json"]
