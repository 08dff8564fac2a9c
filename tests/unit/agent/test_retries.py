import pytest
from clearml_agent.backend_api import utils
from fleet_agent.retries import SECONDS, ask_soon


@pytest.fixture
def session(monkeypatch):
    """As the stock session is made, with its own settings."""
    monkeypatch.setattr(utils, "Retry", utils.Retry)
    ask_soon()
    return utils.get_http_session_with_retry(
        total=240, connect=240, read=240, status=240, backoff_factor=1.0, backoff_max=120.0
    )


def test_a_server_that_is_back_is_asked_within_seconds(session):
    retry = session.get_adapter("http://server").max_retries
    waits = []
    for _ in range(20):
        retry = retry.increment("POST", "/", error=ConnectionError())
        waits.append(retry.get_backoff_time())
    assert max(waits) == SECONDS
    assert retry.total == 220
