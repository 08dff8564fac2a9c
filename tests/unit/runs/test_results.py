"""What came of a step, in a few words."""

from __future__ import annotations

import pytest

from fleet.runs.read import _result


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"prediction": "2 (90 %: 1 to 3)", "target": "price"}, "price: 2 (90 %: 1 to 3)"),
        ({"best_model": "ridge", "score": "1"}, "best: ridge"),
        ({"metric": "rmse", "score": "0.5"}, "rmse 0.5"),
        ({"rows": "10"}, "10 rows"),
        ({"left_out": "it tells classes apart"}, "left out: it tells classes apart"),
        ({}, None),
    ],
)
def test_the_result_of_a_step_is_told_by_its_properties(properties, words):
    assert _result(properties) == words
