"""Making a Debian base image from packages, where no container registry is reachable."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from fleet.command import APT_WAITS
from fleet.errors import FleetError
from fleet.images.process import Programs

# Debian's own slim images leave these out too, or they tell of the machine that made the tree.
# /usr/share/keyrings stays, apt needs it.
_LEFT_OUT = (
    "etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/cache/ldconfig/aux-cache",
    "var/lib/apt/lists", "var/cache/apt", "var/cache/debconf/templates.dat-old",
    "var/log", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian",
)  # fmt: skip

_SETTINGS = {
    # A build that is cut off is thrown away, so nothing gains from syncing each file.
    "etc/dpkg/dpkg.cfg.d/force-unsafe-io": "force-unsafe-io\n",
    "etc/dpkg/dpkg.cfg.d/no-manuals": (
        "path-exclude /usr/share/doc/*\n"
        "path-include /usr/share/doc/*/copyright\n"
        "path-exclude /usr/share/man/*\n"
        "path-exclude /usr/share/info/*\n"
        "path-exclude /usr/share/locale/*\n"
        "path-exclude /usr/share/lintian/*\n"
    ),
    "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
}

# When all files of a base were written, as far as they say: 2000-01-01.
_EPOCH = 946684800

_INSTALLING = threading.Lock()


def make_base(
    release: str,
    *,
    tag: str,
    labels: dict[str, str],
    docker: str,
    folder: Path,
    log: Path,
    programs: Programs,
) -> None:
    """Make a release's base image and give it a tag.

    Parameters
    ----------
    release : str
        Debian's name of it, `bookworm`.
    tag, labels
        Of the image.
    docker : str
        The docker command.
    folder : Path
        Where the tree is made, and taken away again; it must be on a file system that
        allows device files.
    log, programs
        See :meth:`Programs.run`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mirror, security = mirrors(apt_targets())
    tree = Path(tempfile.mkdtemp(prefix=f"{release}-", dir=folder))
    try:
        programs.run(
            ["debootstrap", "--variant=minbase", release, str(tree), *([mirror] if mirror else [])],
            log=log,
            what=f"debootstrap could not make Debian {release}",
            mend="see that this machine reaches its Debian mirror: apt-get update",
        )
        _finish(tree, release, security)
        changes = [f"--change=LABEL {key}={value}" for key, value in labels.items()]
        # The same packages make the same layer, to the byte.
        archive = subprocess.Popen(
            ["tar", "-C", str(tree), "--numeric-owner", "--sort=name", f"--mtime=@{_EPOCH}",
             "-c", "."],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        with archive:
            programs.run(
                [docker, "import", *changes, '--change=CMD ["/bin/bash"]', "-", tag],
                log=log,
                what=f"Docker could not take the tree of Debian {release}",
                stdin=archive.stdout,
            )
    finally:
        _remove(tree)


def ensure_installed(echo: Callable[[str], None], *, log: Path, programs: Programs) -> None:
    """Have debootstrap, and be able to use it."""
    if os.geteuid() != 0:
        raise FleetError(
            "making a Debian base image needs root, and no container registry is reachable",
            mend="run this with sudo, or give Docker a registry or a mirror to pull Debian from",
        )
    # Two bases are made side by side, and apt lets only one in.
    with _INSTALLING:
        _install(echo, log=log, programs=programs)


def _install(echo: Callable[[str], None], *, log: Path, programs: Programs) -> None:
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        raise FleetError(
            "debootstrap is not there, and this machine has no apt-get to install it with",
            mend="install debootstrap and Debian's archive keys, or pull the bases from a registry",
        )
    echo("debootstrap is not installed here: installing it (apt-get install debootstrap)")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    mend = "install it by hand: apt-get install debootstrap debian-archive-keyring"
    install = "install -y --no-install-recommends debootstrap debian-archive-keyring"
    for words in ("update", install):
        command = ["apt-get", *words.split(), *APT_WAITS]
        programs.run(command, log=log, what=f"`apt-get {words}` failed", mend=mend, env=quiet)


def apt_targets() -> str:
    """The package sources of this machine, one `origin|label|address` a line."""
    try:
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout


def mirrors(targets: str) -> tuple[str | None, str | None]:
    """Addresses of Debian's and Debian security's mirrors that this machine uses, if it does."""
    found = {}
    for line in targets.splitlines():
        origin, label, address = line.split("|")
        if origin == "Debian":
            found.setdefault(label, address.rstrip("/"))
    return found.get("Debian"), found.get("Debian-Security")


def remove_remains(folder: Path) -> None:
    """Take away trees of a run that was cut off."""
    if folder.is_dir():
        for tree in folder.iterdir():
            _remove(tree)


def _finish(tree: Path, release: str, security: str | None) -> None:
    """Leave out what an image does not need, and name the sources of later updates."""
    for name in _LEFT_OUT:
        path = tree / name
        if path.is_dir():
            shutil.rmtree(path)
            path.mkdir()
        else:
            path.unlink(missing_ok=True)
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)
    (tree / "var/lib/apt/lists/partial").mkdir(parents=True)
    for path in (tree / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()
    for name in ("etc/shadow", "etc/shadow-"):
        _forget_days(tree / name)
    for name, text in _SETTINGS.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    sources = tree / "etc/apt/sources.list"
    main = sources.read_text().split()[1]
    lines = [f"deb {main} {release} main", f"deb {main} {release}-updates main"]
    if security:
        lines.append(f"deb {security} {release}-security main")
    sources.write_text("".join(f"{line}\n" for line in lines))
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\n# Nothing is started while an image is built.\nexit 101\n")
    policy.chmod(0o755)


def _forget_days(path: Path) -> None:
    """Take from a shadow file on which day each password was set; nobody has one."""
    if not path.exists():
        return
    rows = [line.split(":") for line in path.read_text().splitlines()]
    path.write_text("".join(":".join([*row[:2], "", *row[3:]]) + "\n" for row in rows))


def _remove(tree: Path) -> None:
    # debootstrap mounts /proc and /sys in the tree, and leaves them when it is killed.
    inside = f"{tree}/"
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((place for place in mounts if place.startswith(inside)), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=True, capture_output=True)
    shutil.rmtree(tree, ignore_errors=True)
