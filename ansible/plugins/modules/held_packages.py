#!/usr/bin/python
"""Ansible module: Debian packages at pinned versions, held against unattended upgrades."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: held_packages
short_description: Have Debian packages at pinned versions, and held
description:
  - One connection installs packages, and holds them, so that no unattended upgrade restarts what a
    task depends on. Packages that match are left alone, and apt is not asked.
  - Packages may come from another Debian release, singly. Nothing else is drawn from it.
options:
  name:
    description: Names apt's files for packages of another release.
    type: str
    required: true
  packages:
    description: Package to version, as apt reads it; a trailing C(*) takes any ending.
    type: dict
    required: true
  state:
    description:
      - V(present) leaves an installed version that matches, V(latest) takes the newest that does.
      - V(absent) purges the packages, and what was installed for them alone.
    type: str
    choices: [present, latest, absent]
    default: present
  borrow:
    description:
      - VERSION_ID of a Debian release to what is borrowed there from another. C(codename) is the
        other's, C(packages) are the only ones that may come from it, C(sources) are lines of
        sources.list(5).
    type: dict
    default: {}
  leaves:
    description:
      - What the packages leave on the machine, removed with V(absent). Of a mount point the content
        goes. A path that ends with a C(/) is a folder that goes only when it is empty.
    type: list
    elements: str
    default: []
  update_after:
    description: Age in seconds from which apt's lists are fetched anew before an installation.
    type: int
    default: 86400
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure Docker is installed and held
  held_packages:
    name: docker
    packages: {docker.io: 26.1.5*}
    borrow:
      "12":
        codename: trixie
        packages: [docker.io]
        sources: ["deb http://deb.debian.org/debian trixie main"]
"""

RETURN = r"""
versions:
  description: The packages that are installed, and their versions.
  type: dict
  returned: always
  sample: {"docker.io": "26.1.5+dfsg1-9+deb13u1+b1"}
"""

_LISTS = "/var/lib/apt/lists"
_HEAD = "# Written by the fleet's playbook: packages of another release, singly.\n"
#: Others may hold apt's locks for a while; a mirror may be slow.
_APT = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")
#: What an operator changed in a package's own files stays as it is.
_KEEP = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
_SHOW = "${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n"


class Trouble(Exception):
    """Something that an operator can mend; its text is for people."""


def parse_installed(listing):
    """Installed packages of `dpkg-query --show`: name to whether it is held, and its version."""
    found = {}
    for line in listing.splitlines():
        name, want, status, version = line.split("\t")
        if status == "installed":
            found[name] = (want == "hold", version)
    return found


def unmatched(packages, installed):
    """Packages that are missing, or have another version than the one that is wanted."""
    return [
        name
        for name, version in packages.items()
        if name not in installed or not fnmatch.fnmatchcase(installed[name][1], version)
    ]


def apt_files(name, borrow, version_id):
    """Files that let packages of another release in, path to content; None for no file.

    Parameters
    ----------
    name : str
        Names them.
    borrow : dict
        The module's parameter.
    version_id : str
        Of the machine's release.
    """
    paths = (f"/etc/apt/sources.list.d/fleet-{name}.list", f"/etc/apt/preferences.d/fleet-{name}")
    wanted = borrow.get(version_id)
    if not wanted:
        return dict.fromkeys(paths)
    release = f"Pin: release n={wanted['codename']}*\n"
    pins = (
        f"{_HEAD}Package: *\n{release}Pin-Priority: -1\n\n"
        f"Package: {' '.join(wanted['packages'])}\n{release}Pin-Priority: 990\n"
    )
    sources = "".join(f"{line}\n" for line in wanted["sources"])
    return {paths[0]: _HEAD + sources, paths[1]: pins}


def removals(simulation):
    """Names of the packages that a simulated apt-get would remove."""
    return set(re.findall(r"^(?:Remv|Purg) (\S+)", simulation, re.MULTILINE))


def run(command, stdin=None):
    """Run a command; what it wrote."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise Trouble(f"`{' '.join(command)}` failed: {said}")
    return done.stdout


def read_installed(names):
    """As :func:`parse_installed`, of this machine."""
    command = ["dpkg-query", "--show", f"--showformat={_SHOW}", *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return parse_installed(done.stdout)


def read_release(path="/etc/os-release"):
    """VERSION_ID of the machine's release."""
    with open(path, encoding="utf-8") as file:
        found = re.search(r'^VERSION_ID="?([^"\n]*)', file.read(), re.MULTILINE)
    return found[1] if found else ""


def differing(files):
    """Those of the files, path to content or None, that are not like that."""
    return {path: content for path, content in files.items() if _read(path) != content}


def write(files):
    """Write files, and remove those that are None."""
    for path, content in files.items():
        if content is None:
            os.unlink(path)
            continue
        draft = f"{path}.new"
        with open(draft, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(draft, 0o644)
        os.chown(draft, 0, 0)
        os.replace(draft, path)


def install(packages, update):
    """Install packages at their versions."""
    if update:
        run([*_APT, "update"])
    wanted = [f"{name}={version}" for name, version in packages.items()]
    options = ("--no-install-recommends", "--allow-change-held-packages")
    run([*_APT, *_KEEP, "install", *options, *wanted])


def remove(names):
    """Purge packages, and what was installed for them alone."""
    needless = removals(run(["apt-get", "-s", "autoremove"]))
    options = ("--allow-change-held-packages", "--purge")
    run([*_APT, "remove", *options, *names])
    left = removals(run(["apt-get", "-s", "autoremove"])) - needless
    if left:
        run([*_APT, "remove", "--purge", *sorted(left)])


def remains(paths):
    """Those of the paths that are there, and would go."""
    return [path for path in paths if os.path.lexists(path) and not _stays(path)]


def clear(path):
    """Remove a file or a tree; of a mount point, what is in it."""
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
    elif os.path.ismount(path):
        for name in os.listdir(path):
            clear(os.path.join(path, name))
    else:
        shutil.rmtree(path)


def hold(names):
    """Hold packages."""
    run(["dpkg", "--set-selections"], "".join(f"{name} hold\n" for name in names))


def _stays(path):
    """Whether there is nothing to remove: a mount point without content, or a folder with."""
    if path.endswith("/"):
        return bool(os.listdir(path))
    return os.path.ismount(path) and not os.listdir(path)


def _lists_are_older_than(seconds):
    try:
        return time.time() - os.stat(_LISTS).st_mtime > seconds
    except FileNotFoundError:
        return True


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _newer(packages, names, installed):
    """Packages whose installed version is beyond the one that is wanted."""
    found = []
    for name in names:
        if name not in installed:
            continue
        version, least = installed[name][1], packages[name].rstrip("*")
        command = ["dpkg", "--compare-versions", version, "gt", least]
        if subprocess.run(command, check=False).returncode == 0:
            found.append(f"{name} {version}, not {packages[name]}")
    return found


def _present(module, packages):
    parameters = module.params
    files = differing(apt_files(parameters["name"], parameters["borrow"], read_release()))
    before = read_installed(packages)
    wrong = unmatched(packages, before)
    if newer := _newer(packages, wrong, before):
        raise Trouble(
            f"newer packages are installed than are wanted: {'; '.join(newer)}. Fix: set the "
            "versions that the role wants to these, or remove the packages from the machine"
        )
    asked = (
        packages if parameters["state"] == "latest" else {name: packages[name] for name in wrong}
    )
    if not module.check_mode:
        write(files)
        if asked:
            update = parameters["state"] == "latest" or _lists_are_older_than(
                parameters["update_after"]
            )
            install(asked, update or bool(files))
    after = before if module.check_mode else read_installed(packages)
    free = [name for name in packages if name not in after or not after[name][0]]
    if free and not module.check_mode:
        hold(free)
    changed = bool(files or wrong or free or before.keys() != after.keys())
    changed = changed or any(before[name][1] != after[name][1] for name in before)
    expected = packages if module.check_mode else {name: after[name][1] for name in after}
    return changed, before, expected


def _absent(module, packages):
    files = differing(apt_files(module.params["name"], {}, ""))
    before = read_installed(packages)
    left = remains(module.params["leaves"])
    if not module.check_mode:
        if before:
            remove(sorted(before))
        write(files)
        # One after another: a folder may be empty once what is in it is gone.
        for path in module.params["leaves"]:
            if remains([path]):
                clear(path)
                left.append(path)
    return bool(files or before or left), before, {}


def _listing(versions):
    return "".join(f"{name} {version}\n" for name, version in sorted(versions.items()))


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "packages": {"type": "dict", "required": True},
            "state": {
                "type": "str",
                "choices": ["present", "latest", "absent"],
                "default": "present",
            },
            "borrow": {"type": "dict", "default": {}},
            "leaves": {"type": "list", "elements": "str", "default": []},
            "update_after": {"type": "int", "default": 86400},
        },
        supports_check_mode=True,
    )
    action = _absent if module.params["state"] == "absent" else _present
    try:
        changed, before, versions = action(module, module.params["packages"])
    except Trouble as trouble:
        module.fail_json(msg=str(trouble))
    was = {name: version for name, (_, version) in before.items()}
    shown = was if not changed else versions
    diff = {"before": _listing(was), "after": _listing(shown), "before_header": "packages"}
    module.exit_json(changed=changed, versions=shown, diff=diff)


if __name__ == "__main__":
    main()
