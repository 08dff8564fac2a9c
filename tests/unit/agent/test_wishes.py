import json

import pytest
from fleet_agent.wishes import Wishes


@pytest.fixture
def wish(tmp_path):
    def write(text):
        (tmp_path / "drained").write_text(text)
        return Wishes(tmp_path)

    return write


def test_nobody_wishes_anything_where_there_is_no_file(tmp_path):
    assert (Wishes(tmp_path).drained, Wishes(tmp_path).tags) == (False, ())
    assert (Wishes(None).drained, Wishes(None).tags) == (False, ())


def test_a_wish_is_told_by_tags(wish):
    found = wish(json.dumps({"reason": "a new disk", "by": "ann", "since": "2026-11-23T19:00:00Z"}))
    assert found.drained
    assert found.tags == (
        "drained-by:ann",
        "drained-since:2026-11-23T19:00:00Z",
        "drained-why:a new disk",
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"reason": ""}'])
def test_a_wish_that_says_nothing_is_one_all_the_same(wish, text):
    assert (wish(text).drained, wish(text).tags) == (True, ())
