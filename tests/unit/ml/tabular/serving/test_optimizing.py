import numpy as np
import pandas as pd
import pytest

from ml.runtime.errors import UserError
from ml.tabular.conforming import conform
from ml.tabular.expressions import parse
from ml.tabular.schema import Column, Schema
from ml.tabular.serving import drift, optimizing, search_space
from ml.tabular.serving.optimizing import Goal


class Formula:
    """In place of a model: what is known can be looked up."""

    calls = 0

    def predict_features(self, features):
        self.calls += 1
        value = 100 - (features["heat"] - 60) ** 2 / 10 - (features["gear"] - 3) ** 2
        value += np.where(features["kind"].astype(str) == "b", 8.0, 0.0)
        return pd.DataFrame({"prediction": value, "probability of yes": 1 / (1 + np.exp(-value))})


@pytest.fixture(scope="module")
def schema():
    kinds = {"heat": "numeric", "gear": "numeric", "kind": "category", "on": "datetime"}
    kinds["note"] = "text"
    columns = [Column(name=name, kind=kind) for name, kind in kinds.items()]
    return Schema(name="x", target="gain", kind="regression", classes=[], columns=columns, rows=500)


@pytest.fixture(scope="module")
def training(schema):
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "heat": random.uniform(20, 80, 500),
            "gear": random.integers(1, 6, 500),
            "kind": random.choice(["a", "b", "c"], 500),
            "on": pd.date_range("2024-01-01", periods=500),
            "note": "as usual",
        }
    )
    return conform(frame, schema, "training")


@pytest.fixture(scope="module")
def known(schema, training):
    return {one.name: drift.spread(training[one.name], one.kind) for one in schema.columns}


@pytest.fixture
def space(schema, known):
    def made(ranges=None, fixed=None):
        return search_space.space(schema, known, ranges or {}, fixed or {}, {"note": "as usual"})

    return made


MOST = Goal("maximize")


def search(space, training, goal=MOST, constraints=(), **options):
    columns = space.schema.features
    parsed = [parse(text, columns) for text in constraints]
    options = {"trials": 120, "seconds": 0, "seed": 0} | options
    return optimizing.search(Formula(), goal, space, parsed, training, **options)


class TestSearch:
    def test_the_largest_value_is_found_near_its_place(self, space, training):
        found = search(space(), training)
        best = found.points[0]
        assert best["heat"] == pytest.approx(60, abs=3)
        assert (best["gear"], best["kind"]) == (3, "b")
        assert found.trials["best"].is_monotonic_increasing
        assert found.predicted["prediction"].iloc[0] == found.trials["value"].max()
        assert len(found.trials) == 120

    def test_the_least_value_lies_at_the_edge_of_the_range(self, space, training):
        found = search(space({"heat": [30, 70]}), training, Goal("minimize"))
        assert found.points[0]["heat"] == pytest.approx(30, abs=2)
        assert found.trials["heat"].between(30, 70).all()

    def test_a_value_is_reached(self, space, training):
        found = search(space(), training, Goal("reach", 50.0))
        assert found.predicted["prediction"].iloc[0] == pytest.approx(50, abs=2)

    def test_the_probability_of_a_class_counts(self, space, training):
        found = search(space(), training, Goal("minimize", label="yes"), trials=40)
        assert found.predicted["probability of yes"].iloc[0] == found.trials["value"].min()

    def test_constraints_are_met(self, space, training):
        constraints = ["heat + 2 * gear <= 40", "kind != 'b'"]
        found = search(space(), training, constraints=constraints)
        for point in found.points:
            assert point["heat"] + 2 * point["gear"] <= 40
            assert point["kind"] != "b"
        assert found.points[0]["heat"] == pytest.approx(34, abs=6)
        assert not found.trials["allowed"].all()

    def test_the_best_points_differ(self, space, training):
        found = search(space(), training)
        assert len(found.points) == 5
        ways = {
            (p["kind"], p["gear"], round(p["heat"] / 5), round(p["on"] / 40)) for p in found.points
        }
        assert len(ways) == 5

    def test_the_same_seed_finds_the_same(self, space, training):
        one, other = (search(space(), training, trials=60) for _ in range(2))
        pd.testing.assert_frame_equal(one.trials, other.trials, check_exact=True)
        another = search(space(), training, trials=60, seed=1)
        assert not one.trials["heat"].equals(another.trials["heat"])

    def test_the_model_is_asked_in_batches(self, space, training):
        model = Formula()
        optimizing.search(
            model, Goal("maximize"), space(), [], training, trials=100, seconds=0, seed=0
        )
        assert model.calls == 1 + 100 // optimizing.BATCH + 1

    def test_it_is_no_worse_than_the_training_rows(self, space, training):
        found = search(space(), training, trials=10)
        at_best = Formula().predict_features(training)["prediction"].max()
        assert found.predicted["prediction"].iloc[0] >= at_best - 1

    def test_a_constraint_that_no_point_meets_is_named_with_what_it_misses(self, space, training):
        with pytest.raises(UserError) as caught:
            search(space(), training, constraints=["heat <= 10", "gear >= 1"], trials=40)
        assert "none of the 40 points" in caught.value.what
        assert "'heat <= 10' is missed by 1" in caught.value.what
        assert "gear" not in caught.value.what

    def test_constraints_that_contradict_each_other_are_told(self, space, training):
        with pytest.raises(UserError, match="never all together"):
            search(space(), training, constraints=["heat <= 40", "heat >= 60"], trials=60)

    def test_no_batch_is_begun_after_the_time(self, space, training):
        found = search(space(), training, trials=100_000, seconds=1e-9)
        assert (found.stopped_by, len(found.trials)) == ("seconds", optimizing.BATCH)


class TestSpace:
    def test_columns_that_are_not_named_keep_within_training(self, space, known):
        found = space()
        low, _, high = known["heat"]["quantiles"]
        assert (found.free["heat"].low, found.free["heat"].high) == (low, high)
        assert found.free["gear"] == search_space.Interval(1, 5, True)
        assert sorted(found.free["kind"]) == ["a", "b", "c"]
        assert found.fixed == {"note": "as usual"}
        assert found.cautions == []

    def test_ranges_and_fixed_values_conform(self, space):
        found = space(
            {"heat": [30, "40"], "on": ["2024-02-01", "2024-03-01"], "kind": ["c"]}, {"gear": 2}
        )
        assert found.free["heat"] == search_space.Interval(30, 40)
        assert found.free["on"] == search_space.Interval(19754, 19783)
        assert found.fixed == {"gear": 2, "kind": "c", "note": "as usual"}
        told = found.described()
        assert told["on"] == ["2024-02-01", "2024-03-01"]
        assert (told["kind"], told["gear"]) == ("c", 2)

    def test_what_goes_beyond_training_is_cautioned(self, space):
        found = space({"heat": [50, 200]}, {"gear": 9})
        assert found.cautions[0].startswith("gear may be 9, which goes beyond 1 to 5") or (
            found.cautions[1].startswith("gear may be 9, which goes beyond 1 to 5")
        )
        assert any(one.startswith("heat may be 50 to 200, which goes") for one in found.cautions)

    def test_columns_without_a_value_in_training_stay_missing(self, schema, known):
        empty = {
            "heat": drift.spread(pd.Series([np.nan] * 9), "numeric"),
            "kind": drift.spread(pd.Series([None] * 9, dtype=object), "category"),
        }
        found = search_space.space(schema, known | empty, {}, {}, {"note": None})
        assert set(found.free) == {"gear", "on"}
        frame = found.frame([{"gear": 1, "on": 19754.0}])
        assert frame[["heat", "kind", "note"]].isna().all(axis=None)

    @pytest.mark.parametrize(
        ("ranges", "fixed", "said"),
        [
            ({"heet": [1, 2]}, {}, "no column 'heet'; did you mean 'heat'"),
            ({"gain": [1, 2]}, {}, "gain is the target"),
            ({"heat": [80, 20]}, {}, "range of heat is reversed"),
            ({"heat": 20}, {}, "not two ends"),
            ({"heat": [1, 2, 3]}, {}, "not two ends"),
            ({"heat": ["low", 3]}, {}, "heat cannot be 'low', which is not a number"),
            ({"heat": [None, 3]}, {}, "heat cannot be None"),
            ({"gear": [2.1, 2.9]}, {}, "no whole number from 2.1 to 2.9"),
            ({"kind": []}, {}, "range of kind is empty"),
            ({"kind": "a"}, {}, "no list of values"),
            ({"kind": ["a", "bb"]}, {}, "never 'bb' in training.*did you mean 'b'"),
            ({"on": ["soon", "2024-03-01"]}, {}, "not a date"),
            ({"heat": [1, 2]}, {"heat": 1}, "heat has a range and is fixed"),
            ({}, {"kind": "x"}, "never 'x' in training"),
            ({}, {"heat": [1, 2]}, "no single value"),
            (
                {},
                {"heat": 1, "gear": 2, "kind": "a", "on": "2024-02-01"},
                "every column is fixed",
            ),
        ],
    )
    def test_what_holds_nothing_is_refused(self, space, ranges, fixed, said):
        with pytest.raises(UserError, match=said) as caught:
            space(ranges, fixed)
        assert caught.value.where in (search_space.RANGES, search_space.FIXED)


def test_distances_are_means_of_differences():
    one = pd.DataFrame({"a": [0.0, np.nan], "b": ["x", None]})
    other = pd.DataFrame({"a": [5.0, np.nan, 100.0], "b": ["x", None, "y"]})
    found = optimizing.gower(one, other, {"a": 10.0})
    np.testing.assert_allclose(found, [[0.25, 1, 1], [1, 0, 1]])


def test_a_lonely_point_is_told_from_one_among_the_others(training, known):
    scales = {name: known[name]["high"] - known[name]["low"] for name in ("heat", "gear", "on")}
    points = training.iloc[[10, 10]].reset_index(drop=True)
    points.loc[1, ["heat", "gear"]] = [200.0, 30.0]
    rest = training.drop(index=10)
    near, far = optimizing.remoteness(points, rest, scales)
    assert near < 0.95
    assert far == 1
