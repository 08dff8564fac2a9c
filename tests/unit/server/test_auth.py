"""Credentials, tokens and the envelope."""

from __future__ import annotations

import gzip
import json

import jwt
import pytest
import requests


def post(api, name: str, **options) -> dict:
    response = requests.post(f"{api.url}/{name}", timeout=10, **options)
    assert response.status_code == response.json()["meta"]["result_code"]
    return response.json()


def test_login_gives_a_token_that_works(api, server):
    token = post(api, "auth.login", auth=server.keys())["data"]["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["feature_set"] == "basic"
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600
    assert tuple(map(int, claims["api_version"].split("."))) >= (2, 23)
    headers = {"Authorization": f"Bearer {token}"}
    assert post(api, "users.get_current_user", headers=headers)["data"]["user"]["name"] == "fleet"
    assert post(api, "auth.login", headers=headers)["data"]["token"]
    shorter = post(api, "auth.login?expiration_sec=60", auth=server.keys())["data"]["token"]
    claims = jwt.decode(shorter, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer rubbish"},
        {"Authorization": "Basic rubbish"},
        {"Authorization": "Bearer " + jwt.encode({"identity": {}}, "x" * 32)},
    ],
)
def test_no_call_without_a_valid_token(api, headers):
    assert post(api, "tasks.get_all", headers=headers)["meta"]["result_code"] == 401
    assert post(api, "auth.login", headers=headers)["meta"]["result_code"] == 401


def test_wrong_secret(api, server):
    key, secret = server.keys()
    for keys in ((key, "wrong"), ("wrong", secret), (key, "")):
        assert post(api, "auth.login", auth=keys)["meta"]["result_code"] == 401


def test_secrets_are_kept_as_hashes_only(server):
    secret = server.keys()[1].encode()
    for path in server.data.glob("fleet.db*"):
        assert secret not in path.read_bytes()
    assert (server.data / "clearml.conf").stat().st_mode & 0o777 == 0o600
    assert (server.data / "fleet.db").stat().st_mode & 0o777 == 0o600


def test_ping_and_home_need_no_token(api):
    assert post(api, "debug.ping")["data"]
    assert requests.get(api.url, timeout=10).status_code == 200
    assert requests.get(api.files, timeout=10).status_code == 200


def test_envelope_and_versions(api):
    for path in ("v2.5/tasks.get_all", "api/v2.34/tasks.get_all", "tasks.get_all"):
        response = api.session.get(f"{api.url}/{path}", timeout=10)
        meta = response.json()["meta"]
        assert (meta["result_code"], meta["result_subcode"], meta["result_msg"]) == (200, 0, "OK")
        assert meta["endpoint"]["name"] == "tasks.get_all"
        assert meta["id"]
        assert meta["trx"]


def test_unknown_endpoint(api):
    assert api.refused("tasks.no_such_thing") == (404, 0)
    assert api.refused("no such path") == (404, 0)


def test_body_in_the_query_or_compressed(api):
    task = api.task("named in the query")
    answer = api.session.get(f"{api.url}/tasks.get_by_id", params={"task": task}, timeout=10)
    assert answer.json()["data"]["task"]["id"] == task
    body = gzip.compress(json.dumps({"task": task}).encode())
    answer = api.session.post(
        f"{api.url}/tasks.get_by_id", data=body, timeout=10, headers={"Content-Encoding": "gzip"}
    )
    assert answer.json()["data"]["task"]["id"] == task


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_bodies_that_are_no_objects(api, body):
    response = api.session.post(f"{api.url}/tasks.get_all", data=body, timeout=10)
    assert response.json()["meta"]["result_code"] == 400


def test_too_large_a_body(api):
    bomb = gzip.compress(b" " * (65 * 1024 * 1024))
    response = api.session.post(
        f"{api.url}/tasks.get_all", data=bomb, timeout=30, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 413


def test_server_info(api):
    assert api.call("server.info")["version"]
    assert api.call("server.config")["files_server"] == api.files
    names = {entry["name"] for entry in api.call("server.endpoints")["endpoints"]}
    assert {"tasks.enqueue", "queues.get_next_task"} <= names
    assert api.call("auth.validate_token", token=api.token)["valid"] is True
    assert api.call("auth.validate_token", token="x")["valid"] is False
