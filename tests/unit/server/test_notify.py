"""Telling systemd that the server answers."""

import http.server
import socket
import threading

import pytest

from fleet.server import notify


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """The socket that systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


@pytest.fixture
def page():
    """A page that answers with 200, and its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_nothing_is_said_where_systemd_does_not_ask(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert not notify.tell("READY=1")


def test_it_is_ready_and_says_again_that_it_answers(systemd, page, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "150000")
    notify.ready(page)

    assert [systemd.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


def test_without_a_watchdog_it_says_it_once(systemd, page, monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    before = threading.active_count()
    notify.ready(page)

    assert systemd.recv(64) == b"READY=1"
    assert threading.active_count() == before


def test_a_server_that_is_silent_or_away_does_not_answer(page):
    assert notify.answers(page, 5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not notify.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.2)
    assert not notify.answers("http://127.0.0.1:1/", 0.2)
