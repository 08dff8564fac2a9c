from pathlib import Path

import pytest

from fleet.images import wheels


def test_pip_is_told_files_and_platform_and_nothing_of_the_site(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:s3cret@pip.example/simple")
    arguments = wheels.pip_arguments(Path("a.lock"), Path("out"), "amd64")
    assert not any("s3cret" in argument or "index" in argument for argument in arguments)
    assert {"--require-hashes", "--no-deps", "--only-binary=:all:"} <= set(arguments)
    assert {"--dest=out", "--requirement=a.lock", "--platform=manylinux_2_28_x86_64"} <= set(
        arguments
    )


@pytest.mark.parametrize(("machine", "cpu"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_wheels_are_for_the_images_processor(machine, cpu):
    names = wheels.platforms(machine)
    assert all(name.endswith(f"_{cpu}") for name in names)
    assert names[0] == f"manylinux_2_36_{cpu}"
    assert f"manylinux2014_{cpu}" in names


def test_find_links_are_read_from_files_and_environment():
    settings = (
        "global.extra-index-url='file:///a file:///b'\n"
        "global.find-links='/wheels\\nfile:///more'\n"
        ":env:.find-links='/wheels'\n"
    )
    assert wheels.parse_find_links(settings) == ["/wheels", "file:///more"]
    assert wheels.parse_find_links("") == []


@pytest.mark.parametrize(
    ("wheel", "nvidia", "expected"),
    [
        ("torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", False, "cpu"),
        ("torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", True, "cuda"),
        ("torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl", False, "cuda"),
    ],
)
def test_torch_without_cuda_only_where_offered_and_no_gpu_is_here(
    tmp_path, wheel, nvidia, expected
):
    (tmp_path / wheel).touch()
    places = ["https://wheels.example", f"file://{tmp_path}"]
    assert wheels.choose_torch(places, nvidia=nvidia) == expected
