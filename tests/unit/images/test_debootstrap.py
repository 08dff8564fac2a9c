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
