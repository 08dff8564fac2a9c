"""The files that a field names: one or many, by path, pattern, folder, address or data set."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ml.runtime.errors import DataError

if TYPE_CHECKING:
    from ml.runtime.step import Step

DATASET_PREFIX = "dataset:"
# what a folder or a data set may hold beside its tables is left alone
ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_WILDCARDS = ("*", "?", "[")


@dataclass(frozen=True)
class SourceFile:
    """One file of a source.

    Parameters
    ----------
    path : Path
        Where it lies on this machine.
    shown : str
        As messages name it: the address or path that the user knows.
    """

    path: Path
    shown: str


def source_files(step: Step, source: str, where: str) -> list[SourceFile]:
    """The files of a source, in the order they are named; those of a pattern sorted.

    Parameters
    ----------
    step : Step
        Fetches addresses and data sets.
    source : str
        Paths, folders, patterns such as ``/data/2026-*.csv``, addresses and ``dataset:ID``, with
        commas or lines' ends between them.
    where : str
        The field.

    Raises
    ------
    DataError
        A file, a folder's tables or a pattern's files that are not there.
    """
    found: dict[Path, SourceFile] = {}
    for part in _parts(source):
        for file in _files(step, part, where):
            found.setdefault(file.path.absolute(), file)
    if not found:
        raise DataError("no file is named", where=where, mend="give the path of a file, or more")
    return list(found.values())


def _parts(source: str) -> list[str]:
    parts = []
    for line in source.splitlines():
        # a comma may be part of a name
        if _is_there(line.strip()):
            parts.append(line.strip())
        else:
            parts += [part.strip() for part in line.split(",")]
    return [part for part in parts if part]


def _is_there(text: str) -> bool:
    try:
        return bool(text) and Path(text).expanduser().exists()
    except OSError:
        return False


def _files(step: Step, part: str, where: str) -> Iterator[SourceFile]:
    if part.startswith(DATASET_PREFIX):
        folder = step.dataset(part.removeprefix(DATASET_PREFIX).strip(), where)
        for path in _tables(folder, part, where):
            yield SourceFile(path, f"{part}/{path.relative_to(folder)}")
        return
    is_address = "://" in part
    path = Path(part).expanduser()
    if not is_address and path.is_dir():
        yield from _local(step, _tables(path, part, where), where)
    elif not is_address and not _is_there(part) and any(mark in part for mark in _WILDCARDS):
        matching = sorted(glob.glob(str(path), recursive=True))
        files = [Path(name) for name in matching if Path(name).is_file()]
        if not files:
            raise DataError(
                f"no file matches {part!r}",
                where=where,
                mend="give a pattern of files on this machine, such as /data/2026-*.csv",
            )
        yield from _local(step, files, where)
    else:
        yield SourceFile(step.download(part, where), part)


def _local(step: Step, paths: list[Path], where: str) -> Iterator[SourceFile]:
    for path in paths:
        yield SourceFile(step.download(str(path), where), str(path))


def _tables(folder: Path, part: str, where: str) -> list[Path]:
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    tables = sorted(path for path in files if path.suffix.lower() in ENDINGS)
    if not tables:
        raise DataError(
            f"there is no CSV or Parquet file in {part!r}",
            where=where,
            mend=f"name files that end in one of {' '.join(ENDINGS)}, or a pattern such as "
            f"{part}/**/*.csv",
        )
    return tables
