"""The files of an image, as they are compared: everything but when they were written."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import tarfile
from dataclasses import dataclass
from typing import IO

from fleet.errors import FleetError
from fleet.images import engine

_CHUNK = 1 << 20
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    # Within one image two names of one file are one; what it is named by first, tar decides.
    tarfile.LNKTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}


@dataclass(frozen=True)
class Entry:
    """One path of an image.

    Parameters
    ----------
    kind : {"file", "folder", "link", "device", "pipe"}
        What is there.
    mode, owner, group : int
        Permission bits, user and group.
    content : str
        SHA-256 of a file's content, the target of a link; a device's numbers.
    """

    kind: str
    mode: int
    owner: int
    group: int
    content: str = ""


Tree = dict[str, Entry]


def of_image(image: str) -> Tree:
    """All paths of an image of this machine's engine.

    A container is made of it and never started. What the engine itself puts into each
    container (`/etc/hosts` and the like) is in it as well, empty.

    Raises
    ------
    FleetError
        There is no such image.
    """
    container = (engine.query("create", "--network=none", image, "true") or "").strip()
    if not container:
        raise FleetError(f"there is no image {image}", mend="see `fleet images list`")
    try:
        export = subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE)
        with export:
            tree = of_tar(export.stdout)
        if export.returncode != 0:
            raise FleetError(f"docker could not export {image}", mend="see `docker info`")
    finally:
        engine.query("rm", "--volumes", container)
    return tree


def of_tar(stream: IO[bytes]) -> Tree:
    """All paths of a tar archive."""
    tree: Tree = {}
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./").strip("/")
            tree[name] = Entry(
                kind=_KINDS.get(member.type, "other"),
                mode=stat.S_IMODE(member.mode),
                owner=member.uid,
                group=member.gid,
                content=_content(archive, member, tree),
            )
    return tree


def differences(first: Tree, second: Tree) -> list[str]:
    """What differs between two trees, a line for each path."""
    lines = []
    for name in sorted({*first, *second}):
        one, other = first.get(name), second.get(name)
        if one is None or other is None:
            lines.append(f"/{name}: only in the {'first' if other is None else 'second'}")
        elif one != other:
            what = [
                part
                for part in ("kind", "mode", "owner", "group", "content")
                if getattr(one, part) != getattr(other, part)
            ]
            lines.append(f"/{name}: {', '.join(what)}")
    return lines


def summary(tree: Tree) -> str:
    """One SHA-256 of a whole tree: the same for trees without differences."""
    total = hashlib.sha256()
    for name in sorted(tree):
        total.update(f"{name!r} {tree[name]!r}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, tree: Tree) -> str:
    if member.issym():
        return member.linkname
    if member.islnk():
        return tree[member.linkname.removeprefix("./").strip("/")].content
    if member.ischr() or member.isblk():
        return f"{member.devmajor}:{member.devminor}"
    file = archive.extractfile(member)
    if file is None:
        return ""
    hashed = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        hashed.update(chunk)
    return hashed.hexdigest()
