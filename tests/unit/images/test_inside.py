"""What is looked at inside an image, tried on this machine's own Python."""

import email
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.images import inside


def metadata(text):
    return email.message_from_string(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: other\n", ["MIT OR Apache-2.0"]),
        ("License: BSD\n", ["BSD"]),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", ["MIT License"]),
        ("Classifier: License :: OSI Approved\n", []),
        ("License: line one\n        line two\nClassifier: Topic :: Software\n", []),
    ],
)
def test_a_python_packages_licence_is_what_it_says_first(text, expected):
    assert inside.python_licences(metadata(text)) == expected


def test_a_machine_readable_copyright_file_names_each_licence_once():
    text = (
        "Format: http://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
        "Source: x\n\nFiles: *\nLicense: GPL-2+\n\nFiles: b\nLicense: MIT\n"
        " text of it\n\nLicense: GPL-2+\n see /usr/share/common-licenses/GPL-2\n"
    )
    assert inside.debian_licences(text) == ["GPL-2+", "MIT"]


def test_an_older_copyright_file_points_at_licences():
    text = "It is free.\nSee /usr/share/common-licenses/GPL-3.\n/usr/share/common-licenses/LGPL-2.1"
    assert inside.debian_licences(text) == ["GPL-3", "LGPL-2.1"]
    assert inside.debian_licences("Do what you like.") == []


def test_what_is_installed_and_what_is_locked_must_agree():
    locked = {"PyYAML": "6.0", "six": "1.0", "torch": "2.0+cpu"}
    installed = {"pyyaml": "6.0", "six": "1.1", "extra": "3"}
    assert inside.wrong_versions(locked, installed) == [
        "six 1.0 is locked, 1.1 is installed",
        "torch 2.0+cpu is locked, nothing is installed",
        "extra 3 is installed and not locked",
    ]


def test_modules_are_found_among_a_packages_files():
    files = [
        "../../../bin/tool", "attr/__init__.py", "attr/_make.py", "six.py", "x.dist-info/METADATA",
        "_yaml.cpython-311-x86_64-linux-gnu.so", "nvidia/cublas/lib/libcublas.so.13",
        "distutils-precedence.pth", "some-data/__init__.py",
    ]  # fmt: skip
    assert inside.importable(files) == ["_yaml", "attr", "six"]


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Modules that work, do not, and end Python."""
    (tmp_path / "fine.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("import nothing_of_the_kind\n")
    (tmp_path / "ends.py").write_text("import os; os._exit(3)\n")
    (tmp_path / "first.py").write_text("import sys; sys.modules['shared'] = None\n")
    (tmp_path / "second.py").write_text("import shared\n")
    (tmp_path / "shared.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def problems(modules):
    return [
        problem
        for module in inside.suspects(modules)
        for problem in inside.import_problems(*inside.imported([module]))
    ]


@pytest.mark.usefixtures("packages")
def test_an_import_that_fails_is_named_with_its_reason():
    (problem,) = problems(["broken", "fine"])
    assert problem.startswith("`import broken` fails: ModuleNotFoundError")
    assert "nothing_of_the_kind" in problem


@pytest.mark.usefixtures("packages")
def test_what_ends_python_is_named_and_what_comes_after_it_is_tried():
    told = problems(["ends", "fine", "broken"])
    assert told[0] == "`import ends` ends Python with status 3"
    assert [line.split("`")[1] for line in told] == ["import ends", "import broken"]


@pytest.mark.usefixtures("packages")
def test_what_fails_only_beside_others_is_no_problem():
    assert inside.suspects(["first", "second"]) == ["second"]
    assert problems(["first", "second"]) == []


def test_a_command_that_fails_is_named_with_the_end_of_what_it_said():
    script = "echo one; echo two; exit 1"
    told = inside.failed_programs([["true"], ["sh", "-c", script], ["no-such-command"]])
    assert told[0] == f"`sh -c {script}` fails: one; two"
    assert "no-such-command" in told[1]


def test_libraries_that_want_only_the_driver_are_counted_and_others_are_problems(tmp_path):
    source, broken = tmp_path / "a.c", tmp_path / "libbroken.so"
    broken.write_text("not a library")
    source.write_text("")
    told, notes = inside.cuda_libraries([broken])
    assert told[0].startswith("libbroken.so does not load: ")
    assert notes == ["0 CUDA libraries load"]


def test_it_stands_alone_for_it_runs_where_nothing_of_this_repository_is(tmp_path):
    request = {"locked": {}, "programs": [["false"]], "torch": ""}
    # This machine may be no Debian.
    source = Path(inside.__file__).read_text().replace("debian_packages(),", "[],")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-", json.dumps(request)],
        input=source, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {"python", "debian", "problems", "notes"}
    assert "`false` fails: status 1" in found["problems"]
