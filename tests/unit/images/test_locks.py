import pytest

from fleet.images import locks
from fleet.images.catalog import IMAGES_DIR, lineage, load_images

LOCK = """\
# made by a tool
attrs==26.1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via clearml
torch==2.13.0+cpu \\
    --hash=sha256:cc
triton==3.7.1 ; sys_platform == 'linux' \\
    --hash=sha256:dd
"""


def test_a_lock_is_read_with_its_hashes():
    pins = locks.parse(LOCK)
    assert {name: pin.version for name, pin in pins.items()} == {
        "attrs": "26.1.0",
        "torch": "2.13.0+cpu",
        "triton": "3.7.1",
    }
    expected = "attrs==26.1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    assert pins["attrs"].lines == expected
    assert "sys_platform" in pins["triton"].lines


def test_only_what_the_images_beneath_lack_is_left():
    left = locks.beyond(LOCK, ["attrs==26.1.0 \\\n    --hash=sha256:aa\n", "triton==3.7.0\n"])
    assert list(locks.parse(left)) == ["torch", "triton"]


@pytest.mark.parametrize("torch", ["cpu", "cuda"])
def test_images_that_stand_on_each_other_agree_on_versions(torch):
    specs = load_images()
    for name in specs:
        versions: dict[str, str] = {}
        for layer in lineage(name, specs):
            path = specs[layer].lock_for(torch)
            pins = locks.parse((IMAGES_DIR / path).read_text()) if path else {}
            for pin in pins.values():
                assert "--hash=sha256:" in pin.lines
                assert versions.setdefault(pin.name, pin.version) == pin.version, (name, pin.name)


def test_a_cpu_and_a_cuda_fleet_compute_with_the_same_torch():
    specs = load_images()
    versions = [
        locks.parse((IMAGES_DIR / specs["cuda"].lock_for(torch)).read_text())["torch"].version
        for torch in ("cpu", "cuda")
    ]
    assert versions[0] == f"{versions[1]}+cpu"


@pytest.mark.parametrize("torch", ["cpu", "cuda"])
def test_the_cuda_image_adds_to_the_cpu_images_lock_and_changes_nothing_of_it(torch):
    specs = load_images()

    def lock(name):
        return (IMAGES_DIR / specs[name].lock_for(torch)).read_text()

    beneath = [lock("common"), lock("cpu")]
    added = locks.parse(locks.beyond(lock("cuda"), beneath))
    assert "torch" in added
    assert not set(added) & {name for text in beneath for name in locks.parse(text)}
