#!/usr/bin/python
"""Ansible module: apt takes the container toolkit, and nothing else, from NVIDIA's repository."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import tempfile
import urllib.request
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_gpus import GpuError, users

DOCUMENTATION = r"""
---
module: nvidia_source
short_description: Have NVIDIA's apt repository, for the container toolkit alone
description:
  - Its key is fetched once, and taken only if it is the one with O(fingerprint).
  - Nothing is changed on a node where a container or a process uses a GPU and O(packages) are not
    all there at O(version), since installing them has systemd read its units anew, which takes the
    GPUs from running containers.
options:
  state:
    description: Whether the repository is there.
    type: str
    choices: [present, absent]
    default: present
  url:
    description: The repository; C($(ARCH)) stands for the machine's architecture.
    type: str
    required: true
  key_url:
    description: Its key, in ASCII armour.
    type: str
    required: true
  fingerprint:
    description: Fingerprint of the key, 40 hexadecimal digits.
    type: str
    required: true
  packages:
    description: Packages that may come from it.
    type: list
    elements: str
    required: true
  version:
    description: Their version.
    type: str
    required: true
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure apt knows NVIDIA's repository
  nvidia_source:
    url: https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH)
    key_url: https://nvidia.github.io/libnvidia-container/gpgkey
    fingerprint: C95B321B61E88C1809C4F759DDCAE044F796ECB0
    packages: [nvidia-container-toolkit]
    version: 1.19.1-1
"""

RETURN = r"""
written:
  description: Files that were written or removed (in check mode, would be).
  type: list
  elements: str
  returned: always
"""

KEY = "/etc/apt/keyrings/nvidia-container-toolkit.asc"
SOURCE = "/etc/apt/sources.list.d/nvidia-container-toolkit.sources"
PREFERENCES = "/etc/apt/preferences.d/nvidia-container-toolkit"
_SECONDS = 60
_LARGEST = 1 << 20  # bytes; a key has a few thousand
_HEAD = "# Written by Ansible from the role nvidia.\n"


def texts(parameters):
    """Path → text of what apt reads, without the key."""
    names = " ".join(parameters["packages"])
    architecture = _output("dpkg", "--print-architecture").strip()
    url = parameters["url"].replace("$(ARCH)", architecture)
    pins = [(names, f"version {parameters['version']}", 1001), (names, "version *", -1)]
    if host := urlsplit(url).hostname:
        pins.append(("*", f'origin "{host}"', -1))
    blocks = (f"Package: {name}\nPin: {pin}\nPin-Priority: {at}\n" for name, pin, at in pins)
    return {
        SOURCE: f"{_HEAD}Types: deb\nURIs: {url}\nSuites: /\nSigned-By: {KEY}\n",
        PREFERENCES: _HEAD + "\n".join(blocks),
    }


def fingerprints(armoured):
    """Fingerprints of the primary keys of an ASCII-armoured key file (RFC 4880, 12.2)."""
    found = re.search(
        r"-----BEGIN PGP PUBLIC KEY BLOCK-----\n(.*?)\n-----END", armoured.replace("\r", ""), re.S
    )
    if not found:
        return []
    # Lines of headers, an empty one, the key, and a checksum that begins with `=`.
    body = f"\n{found[1]}".partition("\n\n")[2]
    lines = [line for line in body.splitlines() if not line.startswith("=")]
    data = base64.b64decode("".join(lines))
    keys = []
    for tag, packet in _packets(data):
        if tag == 6:
            head = b"\x99" + len(packet).to_bytes(2, "big")
            keys.append(hashlib.sha1(head + packet).hexdigest().upper())
    return keys


def _packets(data):
    """Tag and body of each packet (RFC 4880, 4.2)."""
    at = 0
    while at < len(data):
        first, at = data[at], at + 1
        if first & 0x40:
            tag, size, at = first & 0x3F, *_new_length(data, at)
        else:
            tag, width = first >> 2 & 0x0F, 1 << (first & 3)
            size, at = int.from_bytes(data[at : at + width], "big"), at + width
        yield tag, data[at : at + size]
        at += size


def _new_length(data, at):
    first = data[at]
    if first < 192:
        return first, at + 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5


def fetch(url, fingerprint):
    """The text of the key at a URL.

    Raises
    ------
    GpuError
        It cannot be fetched, or is another key.
    """
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as response:
            text = response.read(_LARGEST).decode("ascii")
        found = fingerprints(text)
    except (OSError, ValueError, IndexError) as error:
        raise GpuError(
            f"the key of NVIDIA's repository cannot be read from {url}: {error}; fix: let the node "
            "reach it, or name a mirror by nvidia_repository_url and nvidia_key_url"
        ) from None
    if found != [fingerprint]:
        raise GpuError(
            f"the key at {url} is {', '.join(found) or 'none'}, not {fingerprint}; fix: find out "
            "from NVIDIA whether its key was changed, and only then set nvidia_key_fingerprint"
        )
    return text


def installed(packages, version):
    """Whether all packages are there at this version."""
    shown = _output("dpkg-query", "--show", "--showformat=${Status}\t${Version}\n", *packages)
    right = [line for line in shown.splitlines() if line.endswith(f" ok installed\t{version}")]
    return len(right) == len(packages)


def key_is(fingerprint):
    """Whether the key is there, and no other."""
    try:
        return fingerprints(_read(KEY) or "") == [fingerprint]
    except (ValueError, IndexError):
        return False


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _write(path, text):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".fleet-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(draft, 0, 0)
    os.chmod(draft, 0o644)
    os.replace(draft, path)


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def present(parameters, dry_run):
    """Have the repository; what was written."""
    if not installed(parameters["packages"], parameters["version"]) and (used := users()):
        raise GpuError(
            f"the container toolkit cannot be installed while {'; '.join(used)} use GPUs: running "
            "containers would lose them; fix: drain the node (ansible-playbook drain.yml --limit "
            "NODE), then run site.yml again"
        )
    files = {path: text for path, text in texts(parameters).items() if _read(path) != text}
    new_key = not key_is(parameters["fingerprint"])
    if not dry_run:
        if new_key:
            _write(KEY, fetch(parameters["key_url"], parameters["fingerprint"]))
        for path, text in files.items():
            _write(path, text)
        if files or new_key:
            # Of this source alone: its lists are what the next task installs from.
            _update()
    return [*([KEY] if new_key else []), *files]


def _update():
    options = (
        f"Dir::Etc::sourcelist={SOURCE}",
        "Dir::Etc::sourceparts=-",
        "DPkg::Lock::Timeout=300",
    )
    command = ["apt-get", "-q", "update", "-o", "APT::Get::List-Cleanup=0"]
    command += [word for option in options for word in ("-o", option)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or "\nE: " in done.stderr or done.stderr.startswith(("E: ", "W: ")):
        raise GpuError(
            f"NVIDIA's repository cannot be used: {done.stderr.strip()}; fix: see that the node "
            "reaches nvidia_repository_url, and that it is signed with the key of "
            "nvidia_key_fingerprint"
        )


def main():
    """Run as Ansible runs modules."""
    text = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "url": text,
            "key_url": text,
            "fingerprint": text,
            "packages": {"type": "list", "elements": "str", "required": True},
            "version": text,
        },
        supports_check_mode=True,
    )
    try:
        if module.params["state"] == "present":
            written = present(module.params, module.check_mode)
        else:
            written = [path for path in (KEY, SOURCE, PREFERENCES) if os.path.exists(path)]
            for path in [] if module.check_mode else written:
                os.unlink(path)
    except GpuError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(written), written=written)


if __name__ == "__main__":
    main()
