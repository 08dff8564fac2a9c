import pytest

from fleet.errors import FleetError
from fleet.images.catalog import IMAGES_DIR, lineage, load_bases, load_images

BASES = "trixie: {image: 'debian:trixie-slim', digest: 'sha256:" + "a" * 64 + "'}\n"


def write(folder, images, bases=BASES):
    (folder / "bases.yml").write_text(bases)
    (folder / "images.yml").write_text(images)


def test_every_image_of_the_project_has_its_folder_and_its_locks():
    specs = load_images()
    assert {"cpu", "cuda", "agent"} == {name for name, spec in specs.items() if spec.push}
    for name, spec in specs.items():
        assert (IMAGES_DIR / (spec.folder or name) / "Dockerfile").is_file()
        for torch in ("cpu", "cuda"):
            lock = spec.lock_for(torch)
            assert lock is None or (IMAGES_DIR / lock).is_file()
    assert lineage("cuda", specs) == ["common", "cpu", "cuda"]


def test_a_base_is_pulled_by_its_digest_alone():
    for spec in load_bases().values():
        assert spec.reference.startswith("debian@sha256:")


def test_an_image_comes_after_its_parent(tmp_path):
    write(tmp_path, "b: {from: a}\na: {from: trixie}\n")
    with pytest.raises(FleetError, match=r"'b' stands on 'a'") as caught:
        load_images(tmp_path)
    assert caught.value.where.endswith("images.yml")


@pytest.mark.parametrize(
    ("images", "bases", "told"),
    [
        ("a: {from: trixie, pusch: true}\n", BASES, "pusch"),
        ("a: [\n", BASES, "not YAML"),
        ("a: {from: trixie, lock: {rocm: x}}\n", BASES, "rocm"),
        ("a: {from: trixie}\n", "trixie: {image: debian, digest: latest}\n", "digest"),
    ],
)
def test_a_wrong_catalog_is_refused_by_name(tmp_path, images, bases, told):
    write(tmp_path, images, bases)
    with pytest.raises(FleetError, match=told):
        load_images(tmp_path)
