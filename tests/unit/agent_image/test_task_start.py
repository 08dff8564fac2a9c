import subprocess
import sys
from pathlib import Path

import pytest
from fleet_agent.task_start import INSIDE, STOCK, QuickStart, Waiting

RUN = ["docker", "run", "-t", "image", "bash", "-c", f"cp a b ; {STOCK}"]


def test_a_task_is_started_by_the_quick_start_from_a_folder_of_the_node(tmp_path):
    words = QuickStart(f"/srv/node:{tmp_path}").words(RUN)

    (mount,) = (word for word in words if word.startswith("--volume="))
    host, inside, mode = mount.removeprefix("--volume=").split(":")
    assert (inside, mode) == (INSIDE, "ro")
    here = tmp_path / Path(host).relative_to("/srv/node")
    assert (here / "__main__.py").is_file()
    assert words[-1] == f"cp a b ; $LOCAL_PYTHON -u {INSIDE} "
    assert words[-4:-1] == RUN[-4:-1]


def test_the_folder_is_written_once_for_each_content(tmp_path):
    first = QuickStart(f"/srv/node:{tmp_path}").words(RUN)
    (folder,) = (tmp_path / "task-start").iterdir()
    before = folder.stat().st_ctime_ns

    assert QuickStart(f"/srv/node:{tmp_path}").words(RUN) == first
    assert [folder] == list((tmp_path / "task-start").iterdir())
    assert folder.stat().st_ctime_ns == before


@pytest.mark.parametrize("mount", [None, "", "/srv/node"])
def test_without_a_folder_of_the_node_the_stock_agent_starts_the_task(mount):
    assert QuickStart(mount).words(RUN) == RUN


def test_a_script_without_the_stock_start_is_left_as_it_is(tmp_path):
    other = [*RUN[:-1], "bootstrap.sh"]

    assert QuickStart(f"/srv/node:{tmp_path}").words(other) == other


def test_a_wait_lasts_no_longer_than_the_process():
    waiting = Waiting()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        waiting.watch(process)
        waiting.sleep(0.01)
        assert process.poll() is None

        process.stdin.close()
        waiting.sleep(600)  # the test would not end

        assert process.poll() is not None
    waiting.sleep(0.01)  # with nothing to wait for it sleeps as asked
