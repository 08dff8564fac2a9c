import http.server
import threading

import pytest

from fleet.images import registry

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def served():
    class Registry(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            known = self.path == f"/v2/fleet/cpu/manifests/{DIGEST}"
            self.send_response(200 if known and "manifest.v2" in self.headers["Accept"] else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def test_a_registry_is_asked_for_the_manifest(served):
    assert registry.has(served, "fleet/cpu", DIGEST)
    assert not registry.has(served, "fleet/cuda", DIGEST)


def test_a_registry_that_does_not_answer_has_nothing():
    assert not registry.has("127.0.0.1:9", "fleet/cpu", DIGEST)


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("127.0.0.1:5000", "http"),
        ("localhost:5000", "http"),
        ("[::1]:5000", "http"),
        ("10.0.0.5:5000", "https"),
        ("registry.example", "https"),
    ],
)
def test_only_this_machine_is_spoken_to_without_tls(address, scheme):
    assert registry._scheme(address) == scheme
