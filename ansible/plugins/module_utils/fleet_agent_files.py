"""The files and folders of a node's agents: what is laid down, and what is left of those gone."""

from __future__ import annotations

import os

COMPOSE = "compose.yaml"
#: Below the configuration's folder: files by which an operator tells the agents what to do.
WISHES = "wishes"


def folders_of(wanted):
    """Path → mode of the folders that the agents use.

    Parameters
    ----------
    wanted : dict
        The options of the module `agent_project`.
    """
    config, data = wanted["config_directory"], wanted["data_directory"]
    folders = {config: 0o755, os.path.join(config, WISHES): 0o755, data: 0o700}
    for group in wanted["configurations"]:
        folders[os.path.join(data, group)] = 0o700
        folders[os.path.join(data, group, ".agent")] = 0o700
    for slot, group in wanted["slots"].items():
        folders[os.path.join(data, group, ".agent", slot)] = 0o700
    return folders


def lost_groups(wanted):
    """Node groups that have no folder.

    Parameters
    ----------
    wanted : dict
        The options of the module `agent_project`.
    """
    data = wanted["data_directory"]
    return {g for g in wanted["configurations"] if not os.path.isdir(os.path.join(data, g))}


def files_of(wanted, compose):
    """Path → text and mode.

    Parameters
    ----------
    wanted : dict
        The options of the module `agent_project`.
    compose : str
        The text of the Compose project.
    """
    config = wanted["config_directory"]
    files = {
        os.path.join(config, f"{group}.clearml.conf"): (text, 0o600)
        for group, text in wanted["configurations"].items()
    }
    return files | {os.path.join(config, COMPOSE): (compose, 0o644)}


def leftover_credentials(config_directory, data_directory, groups):
    """Files with credentials of none of the groups, whose agents are gone.

    Parameters
    ----------
    config_directory, data_directory : str
        Where.
    groups : collection of str
        Whose files are not leftovers.

    Returns
    -------
    list of str
        Paths, in order.
    """
    found = []
    for name in _listed(config_directory):
        # The suffix also takes the one file of older versions.
        if name.endswith("clearml.conf") and name.removesuffix(".clearml.conf") not in groups:
            found.append(os.path.join(config_directory, name))
    # Older versions had one folder for all groups: the data directory itself.
    for folder in ["", *_listed(data_directory)]:
        if folder in groups:
            continue
        inside = os.path.join(data_directory, folder)
        # The agent copies its configuration there for the container of a task.
        copies = [
            n for n in _listed(inside) if n.startswith(".clearml_agent.") and n.endswith(".cfg")
        ]
        found += [os.path.join(inside, name) for name in copies]
    return [path for path in found if os.path.isfile(path) or os.path.islink(path)]


def _listed(folder):
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
