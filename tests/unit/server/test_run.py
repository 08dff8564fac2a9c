"""Starting, stopping, and what a server keeps."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys

import pytest

START = [sys.executable, "-c", "from fleet.cli import main; main()", "server"]


def refusal(*arguments: str) -> str:
    """What a server that does not start says."""
    result = subprocess.run([*START, *arguments], capture_output=True, text=True, timeout=30)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.count("error:") == 1
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it_cleanly(start_server, connect, tmp_path, number):
    server = start_server(tmp_path / "data")
    api = connect(server)
    api.task()
    assert server.stop(number) == 0
    # Everything is in the one file.
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "clearml.conf",
        "files",
        "fleet.db",
        "lock",
    ]


def test_kill_loses_nothing_that_was_acknowledged(start_server, connect, tmp_path):
    server = start_server(tmp_path)
    api = connect(server)
    queue = api.queue()
    tasks = [api.task() for _ in range(20)]
    for task in tasks:
        api.call("tasks.enqueue", task=task, queue=queue)
    api.call("queues.get_next_task", queue=queue)
    api.call("events.add", task=tasks[0], type="log", msg="last words")
    api.call("workers.register", worker="node:1", queues=[queue])
    api.call(
        "workers.set_runtime_properties",
        worker="node:1",
        runtime_properties=[{"key": "force", "value": "off"}],
    )
    upload = api.session.put(f"{api.files}/a.txt", data=b"kept", timeout=10)
    assert upload.status_code == 200
    (tmp_path / "files" / ".uploading" / "half").write_bytes(b"cut off")
    keys, token = server.keys(), api.token
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL

    again = start_server(tmp_path)
    assert again.keys() == keys
    api = connect(again)
    api.session.headers["Authorization"] = f"Bearer {token}"
    entries = api.call("queues.get_by_id", queue=queue)["queue"]["entries"]
    assert [entry["task"] for entry in entries] == tasks[1:]
    assert api.call("events.get_task_log", task=tasks[0])["events"][0]["msg"] == "last words"
    assert api.call("workers.get_all")["workers"][0]["id"] == "node:1"
    assert api.call("workers.get_runtime_properties", worker="node:1")["runtime_properties"]
    assert api.session.get(f"{api.files}/a.txt", timeout=10).content == b"kept"
    assert list((tmp_path / "files" / ".uploading").iterdir()) == []
    assert again.stop() == 0


def test_lost_configuration_is_written_anew(start_server, connect, tmp_path):
    server = start_server(tmp_path)
    old = server.keys()
    task = connect(server).task()
    server.stop()
    (tmp_path / "clearml.conf").unlink()
    again = start_server(tmp_path, "--api-url", "http://elsewhere:1/")
    assert again.keys() != old
    assert again.addresses["api"] == "http://elsewhere:1"
    assert 'api_server: "http://elsewhere:1"' in (tmp_path / "clearml.conf").read_text()
    again.stop()
    third = start_server(tmp_path)
    assert third.keys() == again.keys()
    assert connect(third).status(task) == "created"
    third.stop()


@pytest.mark.parametrize("option", ["--port", "--files-port"])
def test_a_port_in_use(tmp_path, option):
    ports = {"--port": "0", "--files-port": "0"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports[option] = str(taken.getsockname()[1])
        message = refusal("--data", str(tmp_path / "data"), *(x for p in ports.items() for x in p))
    assert "in use" in message
    assert ports[option] in message
    assert option in message
    assert not (tmp_path / "data").exists()


def test_a_folder_in_use(server, start_server):
    message = refusal("--data", str(server.data), "--port", "0", "--files-port", "0")
    assert "another server" in message
    assert str(server.data) in message


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    message = refusal("--data", str(tmp_path / "file" / "data"), "--port", "0", "--files-port", "0")
    assert "data folder" in message


def test_an_address_of_another_machine(tmp_path):
    message = refusal("--data", str(tmp_path / "data"), "--host", "192.0.2.1")
    assert "192.0.2.1" in message
    assert not (tmp_path / "data").exists()


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "fleet.db").write_bytes(b"no database " * 500)
    message = refusal("--data", str(tmp_path), "--port", "0", "--files-port", "0")
    assert "fleet.db" in message


def test_a_database_of_a_newer_server(tmp_path):
    connection = sqlite3.connect(tmp_path / "fleet.db")
    connection.execute("PRAGMA user_version = 1000")
    connection.commit()
    connection.close()
    message = refusal("--data", str(tmp_path), "--port", "0", "--files-port", "0")
    assert "newer" in message
