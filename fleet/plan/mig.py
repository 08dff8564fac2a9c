"""The layout that MIG gives a node's GPUs: GPU → profiles of its instances."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fleet.plan.findings import Finding
from fleet.plan.values import BAD_VALUE, described, mapping, plain

#: Compute slices of a GPU that MIG can divide.
SLICES = 7
ALL = "all"

# As `nvidia-smi mig -lgip` names them: slices, memory, and attributes such as media extensions.
_PROFILE = re.compile(r"([12347])g\.[1-9][0-9]{0,3}gb([+-](me|gfx)(\.all)?)*")
_EXAMPLE = "fleet_mig: {0: [3g.40gb, 3g.40gb]}"


def mig_layout(
    variable: str, value: Any, gpus: int | None, findings: list[Finding]
) -> dict[int, tuple[str, ...]]:
    """GPU → profiles of its instances, in order; a GPU that has none is whole and not named.

    Parameters
    ----------
    variable : str
        `fleet_mig`, or `fleet_found` of which this is the part `mig`.
    value : object
        Mapping of GPU → list of profiles; `all` stands for each GPU that is not named.
    gpus : int or None
        How many the node has, if that is known. Without it, `all` stands for nothing.
    findings : list of Finding
        Gets what is wrong.
    """
    layout: dict[int, tuple[str, ...]] = {}
    everywhere: tuple[str, ...] = ()
    for key, given in mapping(variable, value, findings, example=_EXAMPLE).items():
        name = f"{variable}[{plain(key) if isinstance(key, str) else key}]"
        profiles = _profiles(variable, name, given, findings)
        if isinstance(key, str) and key.strip() == ALL:
            everywhere = profiles
            continue
        gpu = _index(key)
        if gpu is None or (gpus is not None and gpu >= gpus):
            findings.append(_no_such_gpu(variable, name, key, gpus))
        elif gpu in layout:
            findings.append(
                Finding(
                    BAD_VALUE,
                    variable,
                    key,
                    f"{name} names the GPU {gpu} again",
                    "keep one of them",
                )
            )
        else:
            layout[gpu] = profiles
    if everywhere:
        layout = {gpu: layout.get(gpu, everywhere) for gpu in range(gpus or 0)}
    return {gpu: layout[gpu] for gpu in sorted(layout) if layout[gpu]}


def _index(key: Any) -> int | None:
    if isinstance(key, str) and key.strip().isdecimal() and len(key) < 10:
        return int(key)
    return int(key) if isinstance(key, int) and not isinstance(key, bool) and key >= 0 else None


def _no_such_gpu(variable: str, name: str, key: Any, gpus: int | None) -> Finding:
    if not gpus:
        there = "the node has none" if gpus == 0 else "GPUs are numbered 0, 1, …"
    else:
        there = f"the node's are 0 to {gpus - 1}" if gpus > 1 else "the node's one is 0"
    return Finding(
        BAD_VALUE,
        variable,
        key,
        f"{name} is of no GPU: {there}",
        f"name a GPU by its number, or `{ALL}`, as in `{_EXAMPLE}`; or correct fleet_gpus",
    )


def _profiles(variable: str, name: str, given: Any, findings: list[Finding]) -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Sequence):
        findings.append(
            Finding(
                BAD_VALUE,
                variable,
                given,
                f"{name} is {described(given)}, not a list of profiles",
                f"write it as in `{_EXAMPLE}`",
            )
        )
        return ()
    profiles, slices = [], 0
    for profile in given:
        match = _PROFILE.fullmatch(plain(profile)) if isinstance(profile, str) else None
        if match is None:
            findings.append(
                Finding(
                    "mig-profile",
                    variable,
                    profile,
                    f"{name}: {described(profile)} is no MIG profile",
                    "write it as `nvidia-smi mig -lgip` does: 1g.10gb, 1g.5gb+me, 3g.40gb",
                )
            )
            return ()
        slices += int(match[1])
        profiles.append(match[0])
    if slices > SLICES:
        findings.append(
            Finding(
                "mig-profile",
                variable,
                given,
                f"{name} wants {slices} slices, and a GPU has {SLICES}",
                f"choose profiles whose first numbers add up to {SLICES} at most",
            )
        )
        return ()
    return tuple(profiles)
