"""The bill of materials of an image: CycloneDX, the same bytes for the same content.

So it has no time, no random number, and no digest of the image (which names the bytes that were
pushed, and they hold times): images/digests.yml says which bill goes with which digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.exceptions import InvalidSpdxLicenseException
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from fleet.images.examine import Installed
from fleet.images.model import BuiltImage

_LICENCES = LicenseFactory()


def folder_beside(digests: Path) -> Path:
    """Where the bills lie that go with a file of digests."""
    return digests.parent / "sbom"


def document(image: BuiltImage, installed: Installed, release: str) -> str:
    """The bill of materials of an image.

    Parameters
    ----------
    image : BuiltImage
        The image.
    installed : Installed
        What its test found.
    release : str
        The Debian release that it stands on: `bookworm`.

    Returns
    -------
    str
        JSON of CycloneDX 1.6.
    """
    components = [
        *(_python(package) for package in installed.python),
        *(_debian(package, release) for package in installed.debian),
    ]
    whole = Component(
        name=image.repository,
        version=image.inputs[:16],
        type=ComponentType.CONTAINER,
        bom_ref=image.repository,
    )
    bom = Bom(components=components, metadata=BomMetaData(component=whole))
    bom.register_dependency(whole, components)
    data = json.loads(JsonV1Dot6(bom).output_as_string())
    # Both may be left out; the library makes them up.
    del data["metadata"]["timestamp"], data["serialNumber"]
    text = json.dumps(data, sort_keys=True)
    data["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, text).urn
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def sha256(text: str) -> str:
    """What images/digests.yml says of a bill, `sha256:…`."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def write(text: str, name: str, folder: Path) -> Path:
    """Write an image's bill, at once or not at all; where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.cdx.json"
    handle, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
    return path


def _python(package: dict[str, Any]) -> Component:
    name, version = package["name"], package["version"]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"python/{name}",
        purl=PackageURL("pypi", name=name, version=version),
        licenses=_licences(package["licences"]),
    )


def _debian(package: dict[str, Any], release: str) -> Component:
    name, version = package["name"], package["version"]
    qualifiers = {"arch": package["architecture"]}
    if not package.get("foreign"):
        qualifiers["distro"] = release
    if package["source"] != name:
        qualifiers["upstream"] = package["source"]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"debian/{name}/{package['architecture']}",
        purl=PackageURL("deb", "debian", name, version, qualifiers),
        licenses=_licences(package["licences"]),
    )


def _licences(said: list[str]) -> Iterable[License]:
    """An expression stands alone in CycloneDX; of several licences each is an id or a name."""
    if len(said) == 1:
        return [_LICENCES.make_from_string(said[0])]
    return [_id_or_name(licence) for licence in said]


def _id_or_name(licence: str) -> License:
    try:
        return _LICENCES.make_with_id(licence)
    except InvalidSpdxLicenseException:
        return _LICENCES.make_with_name(licence)
