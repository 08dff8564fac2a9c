"""Whether all that packages need is there, as their own metadata says."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

from ml.runtime.environment import canonical


def unmet(folders: Sequence[Path]) -> list[str]:
    """What the packages in some folders need and do not find on ``sys.path``.

    Parameters
    ----------
    folders : sequence of Path
        Where they were put; on ``sys.path`` by now.

    Returns
    -------
    list of str
        A few words for each need, such as ``umap-learn 0.5.7 needs pynndescent>=0.5, which is not
        there``; in the order of names, each once.
    """
    there: dict[str, Distribution] = {}
    for found in distributions():
        # what comes first on the path is what is imported
        there.setdefault(_name(found), found)
    added = distributions(path=[str(folder) for folder in folders])
    open_ends = [(one, "") for one in added]
    seen: set[tuple[str, str]] = set()
    problems: set[str] = set()
    while open_ends:
        one, extra = open_ends.pop()
        key = (_name(one), extra)
        if key in seen:
            continue
        seen.add(key)
        for need in map(Requirement, one.requires or ()):
            if need.marker and not need.marker.evaluate({"extra": extra}):
                continue
            found = there.get(canonical(need.name))
            if found is None or not need.specifier.contains(found.version, prereleases=True):
                has = f"{found.version} is there" if found else "which is not there"
                wanted = f"{canonical(need.name)}{need.specifier}"
                problems.add(f"{_name(one)} {one.version} needs {wanted}, {has}")
            else:
                # an extra of a package that was there may need what no image has
                open_ends += [(found, wanted) for wanted in need.extras]
    return sorted(problems)


def _name(package: Distribution) -> str:
    return canonical(package.metadata["Name"] or "")
