import pytest

from fleet.images.engine import Builder
from fleet.images.model import Base, BuiltImage
from fleet.images.recipe import build_command, secrets_folder
from fleet.images.site import describe

SECRET = "s3cret-word"
ENV = {
    "https_proxy": f"http://me:{SECRET}@proxy.example:3128",
    "NO_PROXY": "localhost",
    "PIP_INDEX_URL": f"https://me:{SECRET}@pip.example/simple",
    "PIP_CERT": "/etc/ca.pem",
    "HOME": "/root",
}
APT = f"""Acquire::http::Proxy "http://me:{SECRET}@apt.example:3142";
Acquire::http::Proxy::mirror.example "DIRECT";
Acquire::http::Timeout "30";
APT::Install-Recommends "1";
"""
IMAGE = BuiltImage("cpu", "", "fleet/cpu:0", "fleet/cpu", "", "0" * 64, "registry")
BASE = Base("bookworm", "debian@sha256:1", "sha256:1", "registry")


def command_and_secrets(site, tmp_path):
    builder = Builder(("docker", "build"), {})
    with secrets_folder(site) as folder:
        command = build_command(builder, IMAGE, BASE, site, folder, tmp_path)
        files = {file.name: (file.read_text(), folder.stat().st_mode & 0o777)
                 for file in folder.iterdir()}  # fmt: skip
    return command, files, folder


def test_no_credential_of_the_site_is_an_argument(tmp_path):
    site = describe(ENV, APT, b"CERT")
    command, files, folder = command_and_secrets(site, tmp_path)
    assert SECRET not in " ".join(command)
    assert not any("PIP" in argument for argument in command)
    assert "--build-arg=https_proxy" in command
    assert "--build-arg=NO_PROXY" in command
    assert SECRET in files["apt"][0]
    assert files["ca"] == ("CERT", 0o700)
    assert not folder.exists()


def test_apt_is_given_proxies_and_authority_and_nothing_else():
    lines = describe(ENV, APT, b"CERT").apt.splitlines()
    assert lines == [
        f'Acquire::http::Proxy "http://me:{SECRET}@apt.example:3142";',
        'Acquire::http::Proxy::mirror.example "DIRECT";',
        'Acquire::https::CAInfo "/run/secrets/ca";',
    ]


def test_a_plain_site_gives_empty_secrets(tmp_path):
    site = describe({}, "", b"")
    command, files, _ = command_and_secrets(site, tmp_path)
    assert (site.apt, site.proxies, site.host_network) == ("", (), False)
    assert files["apt"][0] == files["ca"][0] == ""
    assert not any(argument.startswith("--network") for argument in command)


@pytest.mark.parametrize(
    ("env", "apt"),
    [
        ({"http_proxy": "http://127.0.0.1:3128"}, ""),
        ({"HTTPS_PROXY": "localhost:3128"}, ""),
        ({"all_proxy": "socks5://[::1]:1080"}, ""),
        ({}, 'Acquire::http::Proxy "http://127.0.0.1:3142";\n'),
    ],
)
def test_a_proxy_on_this_machine_is_reached_through_its_network(env, apt, tmp_path):
    site = describe(env, apt, b"")
    assert "--network=host" in command_and_secrets(site, tmp_path)[0]


def test_addresses_without_a_proxy_are_not_one():
    assert not describe({"no_proxy": "localhost,127.0.0.1"}, "", b"").host_network
