from __future__ import annotations

import threading
import time

from fleet.images import debootstrap


def test_two_bases_at_once_install_debootstrap_one_after_the_other(monkeypatch, tmp_path):
    installed, inside, at_once = [], [], []

    class Programs:
        def run(self, command, **_details):
            inside.append(command)
            at_once.append(len(inside))
            time.sleep(0.02)
            inside.remove(command)
            installed.append(command)

    def which(program):
        return f"/usr/bin/{program}" if program == "apt-get" or len(installed) >= 2 else None

    monkeypatch.setattr(debootstrap.os, "geteuid", lambda: 0)
    monkeypatch.setattr(debootstrap.shutil, "which", which)
    said = []

    def one() -> None:
        debootstrap.ensure_installed(said.append, log=tmp_path / "log", programs=Programs())

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at_once == [1, 1]
    assert len(said) == 1


def test_a_base_tells_nothing_of_the_machine_and_the_day_that_it_was_made(tmp_path):
    for name, text in {
        "etc/hostname": "builder-7\n",
        "etc/resolv.conf": "nameserver 10.0.0.1\n",
        "etc/machine-id": "0123\n",
        "etc/shadow": "root:*:20780:0:99999:7:::\nbin:*:20780:0:99999:7:::\n",
        "etc/apt/sources.list": "deb http://mirror.example/debian bookworm main\n",
        "var/cache/ldconfig/aux-cache": "times",
        "usr/sbin/x": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    debootstrap._finish(tmp_path, "bookworm", None)
    assert (tmp_path / "etc/shadow").read_text() == "root:*::0:99999:7:::\nbin:*::0:99999:7:::\n"
    gone = ("etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/cache/ldconfig/aux-cache")
    assert not [name for name in gone if (tmp_path / name).exists()]
