from __future__ import annotations

from pathlib import Path

import pytest

from ml.runtime import memory
from ml.runtime.errors import UserError

GB = 10**9


@pytest.fixture
def system(tmp_path: Path):
    """Writes files below a root as the kernel shows them."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def meminfo(total: int, available: int) -> str:
    return f"MemTotal: {total // 1024} kB\nMemAvailable: {available // 1024} kB\n"


def test_a_limit_of_version_2_counts_without_pages_of_files(system):
    root = system(
        {
            "proc/meminfo": meminfo(64 * GB, 60 * GB),
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{4 * GB}\n",
            "sys/fs/cgroup/memory.current": f"{3 * GB}\n",
            "sys/fs/cgroup/memory.stat": f"anon {GB}\ninactive_file {GB}\nactive_file {GB}\n",
        }
    )
    assert memory.available(root) == 3 * GB
    assert memory.total(root) == 4 * GB


def test_of_nested_groups_of_version_1_the_tightest_counts(system):
    v1 = "sys/fs/cgroup/memory"
    root = system(
        {
            "proc/meminfo": meminfo(64 * GB, 60 * GB),
            "proc/self/cgroup": "5:cpu:/a\n4:memory:/a/b\n0::/\n",
            f"{v1}/a/b/memory.limit_in_bytes": "9223372036854771712\n",
            f"{v1}/a/b/memory.usage_in_bytes": f"{GB}\n",
            f"{v1}/a/memory.limit_in_bytes": f"{8 * GB}\n",
            f"{v1}/a/memory.usage_in_bytes": f"{7 * GB}\n",
            f"{v1}/a/memory.stat": f"total_inactive_file {2 * GB}\ntotal_active_file 0\n",
        }
    )
    assert memory.available(root) == 3 * GB
    assert memory.total(root) == 8 * GB


def test_the_machine_counts_where_it_has_less_than_the_limit(system):
    root = system(
        {
            "proc/meminfo": meminfo(16 * GB, 1024 * 1000),
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{4 * GB}\n",
            "sys/fs/cgroup/memory.current": "0\n",
        }
    )
    assert memory.available(root) == 1024 * 1000


def test_nothing_is_refused_where_nothing_is_known(system, tmp_path):
    assert memory.available(tmp_path) is None
    memory.require(1e15, "reading a.csv", "a.csv", tmp_path)


def test_what_will_not_do_is_said_with_both_sizes(system):
    root = system({"proc/meminfo": meminfo(4096 * 10**6, 2048 * 10**6)})
    memory.require(2e9, "reading a.csv", "a.csv", root)
    with pytest.raises(UserError, match=r"3\.0 GB of memory, and 2\.0 GB of 4\.1 GB") as caught:
        memory.require(3e9, "reading a.csv", "a.csv", root)
    assert caught.value.failure_class == "resource"
    assert caught.value.where == "a.csv"


def test_this_machine_tells_its_memory():
    assert 0 < memory.available() <= memory.total()


@pytest.mark.parametrize("ended", [FileNotFoundError, ProcessLookupError])
def test_a_child_that_ends_while_it_is_looked_at_holds_nothing(system, monkeypatch, ended):
    root = system(
        {
            "proc/self/status": "RssAnon: 100 kB\n",
            "proc/self/task/1/children": "7 8",
            "proc/8/status": "RssAnon: 20 kB\nRssShmem: 3 kB\n",
        }
    )
    glob = Path.glob

    def look(self, pattern):
        if self.name == "7":
            raise ended(self)
        return glob(self, pattern)

    monkeypatch.setattr(Path, "glob", look)
    assert memory.held(root) == 123 * 1024
