import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ml.runtime.errors import DataError, UserError
from ml.tabular.preparation.splitting import (
    PART_NAMES,
    SplitPlan,
    described,
    divide,
    folds,
    kept_columns,
    parts_at,
    without_groups,
)
from ml.tabular.schema import Column, LeftOut, Schema


def schema_of(classes=(), **kinds):
    return Schema(
        name="x",
        target="t",
        kind="multiclass" if classes else "regression",
        classes=list(classes),
        columns=[Column(name=name, kind=kind) for name, kind in kinds.items()],
        rows=0,
    )


def numbers(rows=200, seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame({"a": random.normal(size=rows), "t": random.normal(size=rows)})


def with_many(times):
    """Moments none of which has most of the rows."""
    return [*times, *range(40), *range(40)]


def sizes(positions):
    return [len(getattr(positions, part)) for part in PART_NAMES]


@pytest.mark.parametrize("strategy", ["random", "stratified", "group", "time"])
def test_every_row_with_a_target_is_in_one_part(strategy):
    frame = numbers(300)
    frame["t"] = np.where(frame["t"] > 0, "yes", "no")
    frame.loc[::10, "t"] = None
    frame["g"] = np.arange(300) // 5
    schema = schema_of(["no", "yes"], a="numeric", g="numeric")
    column = "g" if strategy in ("group", "time") else ""
    plan = SplitPlan(strategy=strategy, column=column)
    positions = divide(frame, schema, plan)
    everything = np.concatenate([getattr(positions, part) for part in PART_NAMES])
    assert sorted(everything) == np.flatnonzero(frame["t"].notna()).tolist()
    again = divide(frame, schema, plan)
    assert all((getattr(positions, p) == getattr(again, p)).all() for p in PART_NAMES)
    assert sizes(positions) == pytest.approx([162, 54, 54], abs=6)


def test_auto_keeps_the_shares_of_classes_where_there_are_some():
    assert SplitPlan().resolved(schema_of(["a", "b"])).strategy == "stratified"
    assert SplitPlan().resolved(schema_of()).strategy == "random"


@given(
    counts=some.lists(some.integers(1, 60), min_size=3, max_size=40),
    seed=some.integers(0, 50),
    shares=some.sampled_from([(0.2, 0.2), (0.05, 0.05), (0.3, 0.1)]),
)
@settings(max_examples=60, deadline=None)
def test_no_group_is_in_two_parts(counts, seed, shares):
    groups = np.repeat(np.arange(len(counts)), counts)
    frame = pd.DataFrame({"g": groups, "a": 1.0, "t": np.arange(len(groups))})
    plan = SplitPlan(
        strategy="group", column="g", test_share=shares[0], validation_share=shares[1], seed=seed
    )
    if max(counts) > len(groups) / 2:
        # it may be larger than all that training is to have
        return
    positions = divide(frame, schema_of(a="numeric"), plan)
    parts = [set(groups[getattr(positions, part)]) for part in PART_NAMES]
    assert all(parts)
    assert sum(map(len, parts)) == len(set(groups)) == len(set.union(*parts))


def test_groups_give_the_shares_that_are_wanted_and_the_seed_decides():
    frame = numbers(1000)
    frame["g"] = np.arange(1000) % 97
    schema = schema_of(a="numeric", g="numeric")
    found = [divide(frame, schema, SplitPlan(strategy="group", column="g", seed=s)) for s in (0, 1)]
    for positions in found:
        assert sizes(positions) == pytest.approx([600, 200, 200], abs=15)
    assert set(found[0].test) != set(found[1].test)


@given(
    times=some.lists(some.integers(0, 30), min_size=40, max_size=120).map(with_many),
    share=some.sampled_from([0.05, 0.2, 0.3]),
)
@settings(max_examples=60, deadline=None)
def test_what_is_later_is_tested_and_no_moment_is_in_two_parts(times, share):
    frame = pd.DataFrame({"on": times, "a": 1.0, "t": np.arange(len(times))})
    plan = SplitPlan(strategy="time", column="on", test_share=share, validation_share=share)
    positions = divide(frame, schema_of(a="numeric"), plan)
    train, validation, test = (frame["on"].iloc[getattr(positions, part)] for part in PART_NAMES)
    assert train.max() < validation.min()
    assert validation.max() < test.min()


def test_dates_order_rows_however_they_are_written():
    days = pd.date_range("2026-01-01", periods=100)
    shuffled = np.random.default_rng(0).permutation(100)
    frame = pd.DataFrame({"a": 1.0, "t": np.arange(100.0)})
    schema = Schema(
        name="x",
        target="t",
        kind="regression",
        classes=[],
        columns=[
            Column(name="a", kind="numeric"),
            Column(name="on", kind="datetime", format="%d.%m.%Y"),
        ],
        rows=100,
    )
    plan = SplitPlan(strategy="time", column="on")
    expected = np.flatnonzero(shuffled >= 80)
    written = (days, days.strftime("%Y-%m-%d"), days.strftime("%d.%m.%Y"), days.tz_localize("UTC"))
    for moments in written:
        frame["on"] = moments[shuffled]
        np.testing.assert_array_equal(divide(frame, schema, plan).test, expected)


@pytest.mark.parametrize(
    ("change", "plan", "said"),
    [
        ({}, {"strategy": "group"}, "the strategy group needs a column"),
        ({}, {"strategy": "time", "column": "Wehn"}, "no column 'Wehn'; did you mean 'when'?"),
        ({}, {"strategy": "time", "column": "t"}, "cannot be divided by their target 't'"),
        ({}, {"strategy": "random", "column": "when"}, "the strategy random uses none"),
        ({}, {"strategy": "stratified"}, "the target 't' has no classes"),
        ({}, {"strategy": "time", "column": "word"}, "ordered by time: column 'word' holds"),
        ({"when": [1, None] * 50}, {"strategy": "time", "column": "when"}, "the first .* row 2"),
        (
            {"when": [None, 1] * 50},
            {"strategy": "group", "column": "when"},
            "50 rows have no value",
        ),
        ({"when": [1, 2] * 50}, {"strategy": "group", "column": "when"}, "has 2 groups"),
        ({"when": [1, 2] * 50}, {"strategy": "time", "column": "when"}, "has 2 different moments"),
        ({"when": [1, 2, *[3] * 98]}, {"strategy": "time", "column": "when"}, "too few rows"),
        ({}, {"test_share": 0.5, "validation_share": 0.45}, "95% of the rows"),
        ({}, {"test_share": 0.001}, "the rows cannot be split so"),
    ],
)
def test_a_plan_that_does_not_fit_is_told(change, plan, said):
    frame = numbers(100).assign(**{"when": range(100), "word": "x", **change})
    if plan.get("test_share") == 0.001:
        frame = frame.head(2)
    schema = schema_of(a="numeric", when="numeric", word="category")
    with pytest.raises(UserError, match=said) as caught:
        divide(frame, schema, SplitPlan(**plan))
    assert caught.value.where.startswith("Split/")
    assert caught.value.mend


def test_a_missing_time_does_not_matter_where_the_target_is_missing():
    frame = numbers(100).assign(when=np.arange(100.0))
    frame.loc[:4, ["when", "t"]] = None
    plan = SplitPlan(strategy="time", column="when")
    positions = divide(frame, schema_of(a="numeric", when="numeric"), plan)
    assert sum(sizes(positions)) == 95


def test_dates_that_cannot_be_counted_are_told():
    frame = numbers(40).assign(on=["9999-12-31", *["2026-01-01"] * 39])
    with pytest.raises(DataError, match="before 1678 or after 2261"):
        divide(frame, schema_of(a="numeric"), SplitPlan(strategy="time", column="on"))


def test_a_class_that_a_part_lacks_by_time_is_told():
    frame = numbers(100).assign(when=range(100), t=["old"] * 30 + ["new"] * 70)
    schema = schema_of(["new", "old"], a="numeric", when="numeric")
    with pytest.raises(UserError, match=r"'old'; its rows: train 30, validation 0, test 0"):
        divide(frame, schema, SplitPlan(strategy="time", column="when"))


def test_groups_are_no_feature_but_stay_in_the_parts():
    frame = numbers(100).assign(g=np.arange(100) // 4, id=range(100))
    schema = schema_of(a="numeric", g="numeric")
    schema = schema.model_copy(update={"left_out": [LeftOut(name="id", why="an id")]})
    plan = SplitPlan(strategy="group", column="g")
    inner = without_groups(schema, plan)
    assert inner.features == ["a"]
    assert [one.name for one in inner.left_out] == ["id", "g"]
    assert kept_columns(inner, plan) == {"a", "t", "g"}
    parts = parts_at(frame, inner, plan, divide(frame, inner, plan))
    assert list(parts.train) == ["a", "t", "g"]
    # a time is one: what month it is may matter
    by_time = SplitPlan(strategy="time", column="g")
    assert without_groups(schema, by_time) == schema


def test_groups_that_are_the_only_feature_are_told():
    with pytest.raises(UserError, match="there is no feature"):
        without_groups(schema_of(g="numeric"), SplitPlan(strategy="group", column="g"))


@pytest.mark.parametrize("strategy", ["random", "stratified", "group", "time"])
@pytest.mark.parametrize("count", [2, 5])
def test_folds_divide_as_the_parts_do(strategy, count):
    frame = numbers(120)
    frame["t"] = np.where(frame["t"] > 0, "yes", "no")
    frame["g"] = np.random.default_rng(1).permutation(120) // 4
    schema = schema_of(["no", "yes"], a="numeric")
    plan = SplitPlan(strategy=strategy, column="g" if strategy in ("group", "time") else "")
    found = folds(frame, schema, plan, count, seed=3)
    assert len(found) == count
    again = folds(frame, schema, plan, count, seed=3)
    for (fitted, scored), (same, too) in zip(found, again, strict=True):
        assert (fitted == same).all()
        assert (scored == too).all()
        assert not set(fitted) & set(scored)
        if strategy == "group":
            assert not set(frame["g"].iloc[fitted]) & set(frame["g"].iloc[scored])
        if strategy == "time":
            assert frame["g"].iloc[fitted].max() < frame["g"].iloc[scored].min()
    scored = np.concatenate([one for _, one in found])
    assert len(scored) == len(set(scored))
    if strategy != "time":
        assert len(scored) == len(frame)
    else:
        assert 119 in frame["g"].iloc[scored].index


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (SplitPlan(strategy="group", column="g"), "4 folds need 4 groups in 'g' at least; .* 3"),
        (SplitPlan(strategy="time", column="g"), "4 moments after the first at least; .* 2"),
        (SplitPlan(strategy="stratified"), "rows of the rarest class at least; there are 2"),
    ],
)
def test_more_folds_than_there_is_to_fill_them_are_told(plan, said):
    frame = numbers(30).assign(g=np.arange(30) % 3, t=["rare"] * 2 + ["often"] * 28)
    with pytest.raises(UserError, match=said):
        folds(frame, schema_of(["often", "rare"], a="numeric"), plan, 4, seed=0)


def test_a_part_is_described_by_its_target():
    frame = numbers(10)
    assert described(frame, schema_of(a="numeric"))["mean"] == pytest.approx(frame["t"].mean())
    frame["t"] = ["rows"] * 4 + ["b"] * 6
    found = described(frame, schema_of(["b", "rows"], a="numeric"))
    assert found == {"rows": 10, "share of b": 0.6, "share of rows": 0.4}
