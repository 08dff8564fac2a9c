import sys
import threading
import time

import pytest

from fleet.errors import FleetError
from fleet.images.process import Programs, Stopped


def python(code):
    return [sys.executable, "-c", code]


def test_output_goes_to_the_log_and_its_end_into_the_error(tmp_path):
    log = tmp_path / "log"
    programs = Programs()
    programs.run(python("print('earlier')"), log=log, what="it failed")
    with pytest.raises(FleetError) as caught:
        programs.run(
            python("[print('line', n) for n in range(99)]; raise SystemExit(3)"),
            log=log, what="it failed", mend="try again",
        )  # fmt: skip
    assert "line 98" in caught.value.what
    assert "line 9\n" not in caught.value.what
    assert "earlier" not in caught.value.what
    assert (caught.value.where, caught.value.mend) == (str(log), "try again")
    assert log.read_text().startswith("earlier\nline 0\n")


def test_ending_all_ends_what_runs_and_what_would_begin(tmp_path):
    programs = Programs()
    outcomes = []

    def run():
        try:
            programs.run(["sh", "-c", "sleep 60 & wait"], log=tmp_path / "log", what="it failed")
        except Stopped as stopped:
            outcomes.append(stopped)

    thread = threading.Thread(target=run)
    start = time.monotonic()
    thread.start()
    while not (tmp_path / "log").exists():
        time.sleep(0.01)
    programs.end()
    thread.join(timeout=10)
    run()
    assert len(outcomes) == 2
    assert time.monotonic() - start < 10


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(FleetError, match="it failed: no-such-program is not installed") as caught:
        Programs().run(["no-such-program"], log=tmp_path / "log", what="it failed")
    assert caught.value.mend
