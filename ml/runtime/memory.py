"""How much memory there is: what a step may still take, said before the kernel ends it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml.runtime.errors import UserError

_GIGABYTE = 1e9
# version 1 says "no limit" by a number that no machine has
_NO_LIMIT = 1 << 60
_FILE_PAGES = ("inactive_file", "active_file")
_OWN_PAGES = ("RssAnon", "RssShmem")
_ROOT = Path("/")


@dataclass(frozen=True)
class Bound:
    """What memory a process may have: by a control group, as a container has one, or a machine.

    Parameters
    ----------
    limit : int
        Bytes.
    used : int
        Bytes that are held; pages of files that the kernel may drop at any time are not among
        them.
    """

    limit: int
    used: int

    @property
    def left(self) -> int:
        """Bytes that may still be taken."""
        return max(0, self.limit - self.used)


def available(root: Path = _ROOT) -> int | None:
    """Bytes that this process may still take.

    Parameters
    ----------
    root : Path
        Where `proc` and `sys` are.

    Returns
    -------
    int or None
        The least of what the limits of its control groups leave and what the machine has;
        None where the system tells neither.
    """
    return min((bound.left for bound in bounds(root)), default=None)


def total(root: Path = _ROOT) -> int | None:
    """Bytes that this process may hold at most: its tightest limit, or the machine's memory."""
    return min((bound.limit for bound in bounds(root)), default=None)


def require(bytes_needed: float, what: str, where: str, root: Path = _ROOT) -> None:
    """Refuse what the memory will not do, before it is begun.

    Parameters
    ----------
    bytes_needed : float
    what : str
        What needs it, as the subject of a sentence: "reading houses.csv".
    where : str
        The file or the field.

    Raises
    ------
    UserError
        Of class ``resource``; it names both sizes and the mend.
    """
    left = available(root)
    if left is None or bytes_needed <= left:
        return
    raise UserError(
        f"{what} needs about {gigabytes(bytes_needed)} of memory, and {gigabytes(left)} "
        f"of {gigabytes(total(root) or left)} are left",
        where=where,
        mend="take fewer rows or columns, or a queue whose nodes have more memory",
        failure_class="resource",
    )


def gigabytes(size: float) -> str:
    """Bytes as people read them, such as ``1.5 GB``."""
    number = size / _GIGABYTE
    return f"{number:.1f} GB" if number >= 0.1 else f"{number:.3f} GB"


def bounds(root: Path = _ROOT) -> list[Bound]:
    """All that this process's memory is bound by: its control groups' limits, and the machine."""
    found = _groups(root)
    told = _meminfo(root)
    if {"MemTotal", "MemAvailable"} <= told.keys():
        found.append(Bound(told["MemTotal"], told["MemTotal"] - told["MemAvailable"]))
    return found


def held(root: Path = _ROOT) -> int:
    """Bytes that this process and its children hold, pages of files apart."""
    found, waiting = 0, ["self"]
    while waiting:
        process = root / "proc" / waiting.pop()
        for line in _read(process / "status").splitlines():
            name, _, rest = line.partition(":")
            if name in _OWN_PAGES:
                found += int(rest.split()[0]) * 1024
        waiting += _children(process)
    return found


def _children(process: Path) -> list[str]:
    try:
        return [one for path in process.glob("task/*/children") for one in _read(path).split()]
    except OSError:
        # it ended while it was looked at: what it held is free
        return []


def _groups(root: Path) -> list[Bound]:
    """The control groups with a limit, the innermost first.

    A container sees its own group as the top of the tree, whatever path the kernel tells.
    """
    found = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        else:
            continue
        inner = Path(path.lstrip("/"))
        for folder in (inner, *inner.parents) if inner.parts else (inner,):
            group = _group(top / folder, *names)
            if group:
                found.append(group)
    return found


def _group(folder: Path, limit_file: str, usage_file: str, prefix: str) -> Bound | None:
    limit = _number(_read(folder / limit_file))
    usage = _number(_read(folder / usage_file))
    if limit is None or usage is None or limit >= _NO_LIMIT:
        return None
    lines = (line.split() for line in _read(folder / "memory.stat").splitlines())
    pages = {line[0]: int(line[1]) for line in lines if len(line) == 2}
    droppable = sum(pages.get(prefix + name, 0) for name in _FILE_PAGES)
    return Bound(limit, max(0, usage - droppable))


def _meminfo(root: Path) -> dict[str, int]:
    """Name → bytes of the machine's memory."""
    found = {}
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        number = _number(rest.split()[0] if rest.split() else "")
        if number is not None:
            found[name] = number * 1024
    return found


def _number(text: str) -> int | None:
    """A whole number; None for "max" and for what is not there."""
    return int(text) if text.strip().isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
