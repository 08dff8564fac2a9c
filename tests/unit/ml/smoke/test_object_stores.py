"""Against a stub of an object store on this machine, asked by the real client."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ml.runtime.errors import UserError
from ml.smoke import object_stores

EMPTY = b"""<?xml version="1.0"?><ListBucketResult><Name>data</Name><KeyCount>%d</KeyCount>
<MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"""
REFUSED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class Store(BaseHTTPRequestHandler):
    """Lists the bucket `data` for one key, and refuses all else."""

    def do_GET(self):
        allowed = "Credential=GOODKEY/" in self.headers.get("Authorization", "")
        allowed = allowed and self.path.startswith("/data?list-type=2")
        body = EMPTY % 1 if allowed else REFUSED
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        """Say nothing."""


@pytest.fixture
def store():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def credentials(monkeypatch):
    """What the agent's configuration says of buckets."""

    def say(host, key, bucket="data"):
        entry = {"host": host, "bucket": bucket, "key": key, "secret": "not-to-be-seen"}
        entry |= {"region": "", "multipart": True, "secure": False}
        monkeypatch.setattr(object_stores, "_settings", lambda: {"credentials": [entry]})

    return say


def test_a_bucket_that_can_be_listed(store, credentials):
    credentials(store, "GOODKEY")

    assert object_stores.read_bucket(f"s3://{store}/data", "eu-central-1") == "it can be read"


def test_credentials_that_are_refused_are_told_without_the_secret(store, credentials):
    credentials(store, "BADKEY")

    with pytest.raises(UserError, match=r"refuses to list .*AccessDenied") as error:
        object_stores.read_bucket(f"s3://{store}/data", "eu-central-1")

    assert "vault" in error.value.mend
    assert "not-to-be-seen" not in str(error.value)


def test_a_store_that_is_away_is_told(credentials):
    credentials("127.0.0.1:9", "GOODKEY")

    with pytest.raises(UserError, match="does not answer"):
        object_stores.read_bucket("s3://127.0.0.1:9/data", "eu-central-1")


def test_a_bucket_that_the_agents_configuration_does_not_name_is_told(store, credentials):
    credentials(store, "GOODKEY")

    with pytest.raises(UserError, match="no credentials for s3://other"):
        object_stores.read_bucket("s3://other")
