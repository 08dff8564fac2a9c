"""Buckets of node groups → what the ClearML SDK wants in `sdk.aws.s3.credentials`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from fleet.errors import FleetError, raise_all
from fleet.spec import ObjectStore, Spec

#: What a vault variable holds; the SDK calls them the same.
PARTS = ("key", "secret")


def credentials_by_group(
    spec: Spec, groups: Iterable[str], variables: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """The SDK's entries for the buckets of some node groups.

    Parameters
    ----------
    spec : Spec
        The contract.
    groups : iterable of str
        Groups of a node; those that are no node groups are left out.
    variables : mapping
        The node's variables, with those of the vault.

    Returns
    -------
    dict of str to list of dict
        Node group → entries; a group without buckets has none. They hold secrets.

    Raises
    ------
    FleetError, FleetErrors
        Each variable of the vault that is missing or not whole, by its name.
    """
    problems: list[FleetError] = []
    found: dict[str, list[dict[str, Any]]] = {}
    for group in groups:
        if group not in spec.node_groups:
            continue
        found[group] = []
        for store in spec.node_groups[group].data.object_stores:
            try:
                found[group].append(_entry(store, _credentials(store, group, variables)))
            except FleetError as problem:
                problems.append(problem)
    raise_all(problems)
    return found


def _credentials(store: ObjectStore, group: str, variables: Mapping[str, Any]) -> Mapping[str, str]:
    name = store.credentials
    where = f"data.object_stores of node group {group}, {store.url}"
    mend = (
        f"write `{name}: {{key: …, secret: …}}` into the inventory's group_vars/all/vault.yml: "
        "ansible-vault edit (vault.yml.example shows how to make it)"
    )
    if name not in variables:
        raise FleetError(f"the variable '{name}' is not defined", where=where, mend=mend)
    value = variables[name]
    if not isinstance(value, Mapping):
        # What it is instead is not shown: it may be a secret.
        raise FleetError(f"the variable '{name}' is not a mapping", where=where, mend=mend)
    missing = [part for part in PARTS if not _is_text(value.get(part))]
    if missing:
        what = f"the variable '{name}' has no {' and no '.join(f'`{part}`' for part in missing)}"
        raise FleetError(what, where=where, mend=mend)
    return {part: str(value[part]) for part in PARTS}


def _entry(store: ObjectStore, credentials: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(store.url)
    path = parts.path.strip("/")
    # The SDK takes what stands before a port for a server, and for a bucket at AWS without one;
    # a server without its port is a breach of the contract's rules.
    own = ":" in parts.netloc
    return {
        "host": parts.netloc if own else "",
        "bucket": path if own else parts.netloc,
        **credentials,
        "region": store.region or "",
        "multipart": True,
        "secure": store.secure if own else True,
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
