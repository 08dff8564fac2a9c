"""Inventories made of text."""

from __future__ import annotations

import textwrap

import pytest


@pytest.fixture
def write(tmp_path):
    """Write files of an inventory; a name that ends in `.sh` or `.py` is a program."""

    def write_files(files: dict[str, str] | str):
        if isinstance(files, str):
            files = {"hosts.yml": files}
        for name, text in files.items():
            file = tmp_path / "inventory" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).removeprefix("\n"))
            if file.suffix in (".sh", ".py"):
                file.chmod(0o755)
        return tmp_path / "inventory"

    return write_files
