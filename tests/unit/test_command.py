import sys

import pytest

from fleet.command import brief, find, run, tail, use_system_path
from fleet.errors import FleetError


def python(code):
    return [sys.executable, "-c", code]


def test_output_comes_back():
    assert run(python("print('hello')")).stdout == "hello\n"


def test_input_is_handed_over():
    assert run(python("print(input())"), stdin="secret\n").stdout == "secret\n"


def test_variables_are_added_to_our_own(monkeypatch):
    monkeypatch.setenv("OURS", "1")
    code = "import os; print(os.environ['OURS'] + os.environ['THEIRS'])"
    assert run(python(code), env={"THEIRS": "2"}).stdout == "12\n"


def test_a_failure_shows_the_end_of_what_was_said():
    code = "import sys; sys.exit('\\n'.join(f'line {i}' for i in range(50)))"
    with pytest.raises(FleetError) as caught:
        run(python(code), mend="do this")
    assert "line 49" in caught.value.where
    assert "line 3\n" not in caught.value.where
    assert caught.value.mend == "do this"


def test_a_failure_may_be_looked_at_instead():
    assert run(python("raise SystemExit(3)"), check=False).returncode == 3


def test_a_program_that_hangs_is_stopped():
    with pytest.raises(FleetError, match="took longer than"):
        run(python("import time; time.sleep(30)"), timeout=0.5)


def test_a_missing_program_is_named():
    with pytest.raises(FleetError, match="no-such-program is not installed"):
        run(["no-such-program"])


def test_the_brief_form_leaves_options_out():
    assert (
        brief(["/usr/bin/docker", "network", "create", "--subnet=x"]) == "`docker network create`"
    )


def test_tail_keeps_the_last_lines():
    assert tail("a\nb\nc\n", lines=2).split() == ["b", "c"]


def test_system_programs_are_found_outside_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert find("ldconfig") == "/usr/sbin/ldconfig" or find("ldconfig") == "/sbin/ldconfig"


def test_what_is_started_finds_system_programs_though_the_user_does_not(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    use_system_path()
    use_system_path()
    wanted = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    assert run(["sh", "-c", "echo $PATH"]).stdout.strip() == wanted
