from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fleet import cli
from fleet.cli.validate import validate
from fleet.paths import REPOSITORY
from fleet.spec import examine, load
from tests.own_contract import SPEC_FILE, SPEC_TEXT

# What the check of queues.yml alone has no use for, and would wait for.
HEAVY = ("ansible", "rich", "clearml", "numpy", "pandas", "jinja2", "fleet.spec.schema")


def _validate(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from fleet.cli import main; main()", "validate"]
        + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


@pytest.fixture
def broken(tmp_path):
    file = tmp_path / "queues.yml"
    text = SPEC_TEXT.replace("image: cuda", "image: cuder").replace("    slots: 2", "    slotz: 2")
    file.write_text(text)
    return file


def test_a_right_file_gives_one_line_and_exit_0():
    done = _validate("--spec", SPEC_FILE, cwd=SPEC_FILE.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "queues.yml: 6 queues, 3 node groups, 3 images, nothing wrong\n"


def test_without_options_the_repositorys_own_file_is_checked_and_it_is_right():
    done = _validate("--json", cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    told = json.loads(done.stdout)
    assert (told["ok"], told["problems"]) == (True, [])
    assert told["counts"]["queues"] == len(load().queues)


def test_every_problem_has_its_place_rule_and_mend(broken):
    done = _validate("--spec", broken, cwd=broken.parent)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "queues.yml:29:5: unknown key 'node_groups.cpu_nodes.slotz' [unknown-key]",
        "    fix: did you mean 'slots'? known here: image, slots, accelerator, services, limits, "
        "data, task_user, description",
        "queues.yml:32:5: image 'cuder' does not exist [unknown-image]",
        "    fix: did you mean 'cuda'? there are: agent, cpu, cuda",
        "queues.yml: 2 problems",
    ]


def test_a_file_elsewhere_is_named_in_full(broken):
    done = _validate("--spec", broken, cwd=REPOSITORY)
    assert done.stdout.startswith(f"{broken}:29:5: ")


def test_json_holds_the_same(broken):
    done = _validate("--spec", broken, "--json", cwd=broken.parent)
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert set(told) == {"ok", "problems", "notes", "counts"}
    assert told["ok"] is False
    assert [problem["rule"] for problem in told["problems"]] == ["unknown-key", "unknown-image"]
    assert told["problems"][1] == {
        "rule": "unknown-image",
        "file": "queues.yml",
        "line": 32,
        "column": 5,
        "what": "image 'cuder' does not exist",
        "mend": "did you mean 'cuda'? there are: agent, cpu, cuda",
    }


def test_json_of_a_right_file():
    told = json.loads(_validate("--spec", SPEC_FILE, "--json").stdout)
    assert told == {
        "ok": True,
        "problems": [],
        "notes": [],
        "counts": {"queues": 6, "node_groups": 3, "images": 3},
    }


def test_sarif_and_exit_code(broken):
    done = _validate("--spec", broken, "--sarif")
    assert done.returncode == 1
    (run,) = json.loads(done.stdout)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["unknown-key", "unknown-image"]


def test_a_rule_can_be_left_out_and_that_is_said(tmp_path):
    file = tmp_path / "queues.yml"
    file.write_text(SPEC_TEXT.replace("priority: 3", "priority: 2"))
    done = _validate("--spec", file, "--ignore", "no-nodes", "--json")
    assert done.returncode == 1
    assert [each["rule"] for each in json.loads(done.stdout)["problems"]] == ["priority-tie"]
    done = _validate("--spec", file, "--ignore", "priority-tie", "--ignore", "no-nodes")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "note: 1 problem left out by --ignore"


def test_what_leaves_the_contract_unusable_cannot_be_left_out(broken):
    done = _validate("--spec", broken, "--ignore", "unknown-image", "--ignore", "unknown-key")
    assert done.returncode == 1
    assert "[unknown-image]" in done.stdout
    assert "note: --ignore does not hold for unknown-image, unknown-key" in done.stdout


def test_a_rule_that_does_not_exist_is_a_wrong_command_line(broken):
    done = _validate("--spec", broken, "--ignore", "unkown-image")
    assert done.returncode == 2
    assert "there is no rule 'unkown-image': did you mean 'unknown-image'?" in done.stderr


INVENTORY = "all: {children: {cpu_nodes: {hosts: {node-1: {fleet_slots: %s}}}}}\n"


def test_problems_of_the_contract_and_of_the_inventory_are_told_together(tmp_path):
    (tmp_path / "queues.yml").write_text(SPEC_TEXT.replace("priority: 3", "priority: 2"))
    (tmp_path / "hosts.yml").write_text(INVENTORY % "many")
    done = _validate("--spec", "queues.yml", "-i", "hosts.yml", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    problems = json.loads(done.stdout)["problems"]
    assert (problems[0]["file"], problems[0]["rule"]) == ("queues.yml", "priority-tie")
    assert any(each["file"] == "hosts.yml" and "many" in each["what"] for each in problems[1:])


def test_an_inventory_waits_for_a_contract_that_can_be_read(broken):
    (broken.parent / "hosts.yml").write_text(INVENTORY % 1)
    done = _validate("--spec", "queues.yml", "-i", "hosts.yml", cwd=broken.parent)
    assert done.returncode == 1
    assert "note: hosts.yml was not checked: it can be when queues.yml is right" in done.stdout


@pytest.mark.parametrize("kind", ["missing", "fifo", "null device", "empty", "binary", "folder"])
def test_what_is_no_inventory_is_told_at_once(tmp_path, kind):
    path, _ = _special(kind, tmp_path)
    done = _validate("--spec", SPEC_FILE, "-i", path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"{path}:")
    assert "    fix: " in done.stdout


@pytest.mark.parametrize("arguments", [["--json", "--sarif"], ["--nope"], ["extra"], ["-i"]])
def test_a_wrong_command_line_exits_with_2(arguments):
    done = _validate(*arguments)
    assert done.returncode == 2
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_notes_come_after_the_problems_and_are_none(tmp_path):
    text = SPEC_TEXT.replace("  cuda:\n", "  spare:\n    repository: fleet/spare\n  cuda:\n")
    text = text.replace("    services: true\n", "").replace("[training]", "[training, pipeline]")
    (tmp_path / "queues.yml").write_text(text)
    done = _validate("--spec", "queues.yml", cwd=tmp_path)
    assert done.returncode == 0
    first, second, last = done.stdout.splitlines()
    assert first.startswith("note: no node group runs the image 'spare'")
    assert second.startswith("note: each pipeline on 'gpu-train' holds a slot of 'gpu_nodes'")
    assert last.endswith("nothing wrong")


def _special(kind: str, folder: Path) -> tuple[Path, str]:
    """A path that is no text file, and what must be said of it."""
    path = folder / "queues.yml"
    if kind == "missing":
        return path, "No such file"
    if kind == "folder":
        path.mkdir()
        return path, "Is a directory"
    if kind == "fifo":
        os.mkfifo(path)
        return path, "not a regular file"
    if kind == "null device":
        return Path("/dev/null"), "not a regular file"
    if kind == "empty":
        path.touch()
        return path, "is empty"
    if kind == "binary":
        path.write_bytes(bytes(range(256)))
        return path, "not UTF-8"
    if kind == "loop":
        path.symlink_to(path)
        return path, "symbolic links"
    path.write_text(f"x/{path}")
    return path / "below", "Not a directory"


@pytest.mark.parametrize(
    "kind", ["missing", "folder", "fifo", "null device", "empty", "binary", "loop", "below a file"]
)
def test_what_is_no_text_file_is_told_at_once(tmp_path, kind):
    path, word = _special(kind, tmp_path)
    done = CliRunner().invoke(validate, ["--spec", str(path)])
    assert (done.exit_code, done.stderr) == (1, "")
    assert word in done.stdout
    assert "    fix: " in done.stdout


@pytest.fixture
def somebody(tmp_path):
    """For root, who may read every file, the rights of somebody else."""
    (tmp_path / "queues.yml").write_text(SPEC_TEXT)
    (tmp_path / "queues.yml").chmod(0)
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    yield
    os.seteuid(mine)


def test_a_file_that_may_not_be_read_is_told(tmp_path, somebody):
    path = tmp_path / "queues.yml"
    (problem,) = examine(path)[1]
    assert (problem.rule, problem.place.file) == ("unreadable-file", str(path))
    assert "Permission denied" in problem.what
    assert problem.mend


def test_text_that_the_terminal_cannot_show_is_shown_by_its_code(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    path = tmp_path / "queues.yml"
    path.write_text(SPEC_TEXT.replace("image: cuda", "image: 日本"))
    done = _validate("--spec", path)
    assert (done.returncode, done.stderr) == (1, "")
    assert r"\u65e5\u672c" in done.stdout


def test_the_check_of_queues_yml_loads_nothing_that_it_does_not_need():
    code = (
        "import sys\n"
        "from fleet.cli import cli\n"
        "cli(['validate', '--spec', sys.argv[1]], standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(SPEC_FILE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_exit_code_of_a_command_reaches_the_shell(monkeypatch):
    """`ctx.exit(3)` was swallowed: the shell saw 0."""

    @click.command()
    @click.pass_context
    def stop(ctx: click.Context) -> None:
        ctx.exit(3)

    monkeypatch.setattr(cli._LazyGroup, "get_command", lambda *_: stop)
    monkeypatch.setattr(sys, "argv", ["fleet", "stop"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
