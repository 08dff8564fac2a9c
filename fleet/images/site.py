"""What this site's network asks of a build: proxies, and its own certificate authority.

It reaches a build as secrets and as proxy arguments, which BuildKit keeps out of the image
and its history. Of the site's pip settings nothing goes in at all: see :mod:`wheels`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_APT_PROXY = re.compile(r'^(Acquire::https?::(?:Proxy|proxy)(?:::[^ ]+)?) "(.*)";$', re.M)


@dataclass(frozen=True)
class Site:
    """What builds on this machine are given.

    Parameters
    ----------
    apt : str
        Settings for apt; it may hold a proxy's password, so it goes in as a secret.
    ca : bytes
        Certificates of the authorities that this machine trusts.
    proxies : tuple of str
        Names of this process's proxy variables; docker reads their values itself.
    host_network : bool
        Whether builds must use the host's network, since a proxy listens on it alone.
    """

    apt: str
    ca: bytes
    proxies: tuple[str, ...]
    host_network: bool


def this_site(env: Mapping[str, str] = os.environ) -> Site:
    """Read this machine's settings."""
    return describe(env, _apt_settings(), _bundle(env))


def describe(env: Mapping[str, str], apt_dump: str, ca: bytes) -> Site:
    """Settings of a build, from the environment, `apt-config dump` and a CA bundle."""
    apt_proxies = _APT_PROXY.findall(apt_dump)
    apt = [f'{key} "{value}";' for key, value in apt_proxies if value]
    if ca:
        apt.append('Acquire::https::CAInfo "/run/secrets/ca";')
    proxies = tuple(
        name for wanted in _PROXIES for name in (wanted, wanted.upper()) if env.get(name)
    )
    urls = [value for _, value in apt_proxies]
    urls += [env[name] for name in proxies if name.lower() != "no_proxy"]
    return Site(
        apt="".join(f"{line}\n" for line in apt),
        ca=ca,
        proxies=proxies,
        host_network=any(is_loopback(url) for url in urls),
    )


def is_loopback(url: str) -> bool:
    """Whether a proxy is this machine itself, which no other machine reaches by that address."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _apt_settings() -> str:
    try:
        done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout


def _bundle(env: Mapping[str, str]) -> bytes:
    for path in (*(Path(env[name]) for name in _BUNDLES if env.get(name)), _SYSTEM_BUNDLE):
        if path.is_file():
            return path.read_bytes()
    return b""
