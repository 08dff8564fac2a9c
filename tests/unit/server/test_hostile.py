"""No request, whatever it holds, brings about an error of the server's own."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.server import services, shapes
from fleet.server.registry import ENDPOINTS

assert services.__all__

FIELDS = sorted(
    {name for endpoint in ENDPOINTS.values() for name in endpoint.required}
    | set(shapes._CHECKS)
    | set(shapes._TASK_PARTS)
    | {"name", "type", "status", "tags", "system_tags", "id", "force", "_any_", "last_update"}
)
TEXTS = ["", "abc", "-x", "__$all", "(", "^a$", "\0", "a'b", 'a"b', "a.b", ">=nan", "9" * 20, "log"]
NUMBERS = [0, -1, 2**31, 2**63, -(2**70), 1.5, 1e308, -1e308, math.nan, math.inf]
KEYS = [
    "key",
    "name",
    "section",
    "task",
    "type",
    "value",
    "metric",
    "variants",
    "fields",
    "pattern",
]


@pytest.fixture(scope="module")
def known(api) -> list[str]:
    """Ids of things that are there."""
    return [
        api.task(),
        api.queue(),
        api.call("projects.create", name="hostile/project")["id"],
        api.call("models.create", name="hostile", uri="u")["id"],
    ]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_request_is_the_servers_fault(api, known, data):
    plain = st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS + known)
    anything = st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
        ),
        max_leaves=6,
    )
    name = data.draw(st.sampled_from(sorted(ENDPOINTS)))
    required = {
        field: st.sampled_from(known) if kind is str else st.lists(anything, max_size=2)
        for field, kind in ENDPOINTS[name].required.items()
    }
    request = data.draw(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4))
    request |= data.draw(st.fixed_dictionaries(required))
    assert send(api, name, json.dumps(request)).status_code < 500


def send(api, name: str, body: str):
    """Send text as it is: what it holds need not be JSON."""
    headers = {"Content-Type": "application/json"}
    return api.session.post(f"{api.url}/v2.23/{name}", data=body, headers=headers, timeout=10)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_json_does_not_have_are_null(api, number):
    task = api.task()
    body = f'{{"task": "{task}", "force": true, "runtime": {{"loss": {number}, "kept": 1.5}}}}'
    assert send(api, "tasks.edit", body).status_code == 200
    found = api.call("tasks.get_all", id=[task], only_fields=["runtime"])["tasks"][0]
    assert found["runtime"] == {"loss": None, "kept": 1.5}
    refusal = send(api, "models.create", f'{{"name": {number}, "uri": "u"}}').json()["meta"]
    assert (refusal["result_code"], refusal["result_subcode"]) == (400, 11)
