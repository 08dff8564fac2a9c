import numpy as np
import pytest

from ml.tabular.learning.uncertainty import half_width


def test_new_targets_lie_within_as_often_as_promised():
    random = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        width = half_width(random.normal(size=40), np.zeros(40))
        inside.append((np.abs(random.normal(size=200)) <= width).mean())
    # 37 of 41 ranks
    assert np.mean(inside) == pytest.approx(37 / 41, abs=0.01)


@pytest.mark.parametrize(("rows", "expected"), [(8, None), (9, 9.0), (19, 18.0)])
def test_the_width_is_one_of_the_errors_and_few_rows_have_none(rows, expected):
    errors = np.arange(1.0, rows + 1)
    assert half_width(errors, np.zeros(rows)) == expected
