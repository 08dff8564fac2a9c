"""Names that are looked up by a pattern, and lists with operators."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.server.conditions import exact_text, in_list, parse_list


@settings(max_examples=50)
@given(st.text(max_size=30))
def test_exact_patterns_are_recognised(text):
    found = exact_text(f"^{re.escape(text)}$")
    assert found in (text, None)
    # A pattern that is not recognised costs time only; the usual names are.
    if re.fullmatch(r"[\w ./()-]*", text, re.ASCII):
        assert found == text


@given(
    st.text(alphabet="^$.*+?[]()|\\abc1 -", max_size=12), st.text(alphabet="abc1 -.", max_size=6)
)
def test_what_is_taken_as_exact_matches_just_that(pattern, other):
    text = exact_text(pattern)
    if text is None:
        return
    compiled = re.compile(pattern)
    assert compiled.search(text)
    assert bool(compiled.search(other)) == (other == text)


def test_groups():
    """The example of the SDK's documentation of tag filters."""
    values = ["__$all", "a", "b", "c", "__$or", "d", "__$not", "e", "__$and", "__$or", "f", "g"]
    condition = parse_list("tags", values, lambda tags: in_list("t", tags))
    one = "t IN (?)"
    assert condition.sql == (
        f"(({one} AND {one} AND {one}) AND ({one} OR NOT COALESCE({one}, 0)) AND ({one} OR {one}))"
    )
    assert condition.parameters == ("a", "b", "c", "d", "e", "f", "g")


def test_nothing_asked_for():
    for values in (None, [], ["__$all"]):
        assert parse_list("tags", values, lambda tags: in_list("t", tags)) is None
