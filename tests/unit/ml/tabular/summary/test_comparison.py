import json

import pytest

from ml.tabular.summary.comparison import (
    Failed,
    Folds,
    Trained,
    as_good,
    common_folds,
    duration,
    failed_table,
    leaderboard,
    records,
    shown,
    simplest,
    size,
)


def trained(model, **validation):
    return Trained(model, f"task-{model}", validation, validation, 0.1, 0.01)


@pytest.mark.parametrize(("metric", "order"), [("rmse", ["b", "a", "c"]), ("r2", ["c", "a", "b"])])
def test_the_best_is_first(metric, order):
    models = [
        trained("c", rmse=3.0, r2=0.9),
        trained("a", rmse=2.0, r2=0.5),
        trained("b", rmse=1.0, r2=0.1),
    ]
    board = leaderboard(models, metric)
    assert board["model"].tolist() == order
    assert board["rank"].tolist() == [1, 2, 3]


FIVE = Folds(5, 0, "t0")


def crossed(model, validation, mean, std=0.1, folds=FIVE, task=""):
    by = {"rmse": {"mean": mean, "std": std}}
    score = {"rmse": validation}
    task = task or f"task-{model}"
    return Trained(model, task, score, score, 0.1, 0.01, cross_validation=by, folds=folds)


def test_over_common_folds_the_mean_counts_and_not_the_validation_part():
    models = [crossed("a", 1.0, 3.0), crossed("b", 2.0, 2.0), crossed("c", 3.0, 2.5)]
    assert common_folds(models, "rmse") == 5
    assert leaderboard(models, "rmse")["model"].tolist() == ["b", "c", "a"]


def test_the_best_of_equal_means_is_the_steadiest_and_the_others_follow_by_their_means():
    models = [
        crossed("a", 1.0, 2.000, std=0.4),
        crossed("b", 1.0, 2.001, std=0.3),
        crossed("c", 1.0, 2.002, std=0.1),
    ]
    assert leaderboard(models, "rmse")["model"].tolist() == ["c", "a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        crossed("b", 2.0, 0.5, folds=Folds(4, 0, "t0")),
        crossed("b", 2.0, 0.5, folds=Folds(5, 1, "t0")),
        crossed("b", 2.0, 0.5, folds=Folds(5, 0, "t1")),
        trained("b", rmse=2.0),
        Trained("b", "task-b", {"rmse": 2.0}, {}, 0.1, 0.01, folds=FIVE),
    ],
)
def test_without_common_folds_the_validation_part_counts(other):
    models = [crossed("a", 1.0, 3.0), other]
    assert common_folds(models, "rmse") == 0
    assert leaderboard(models, "rmse")["model"].tolist() == ["a", "b"]


def test_a_model_may_be_there_twice():
    models = [crossed("a", 1.0, 3.0, task="t1"), crossed("a", 1.0, 2.0, task="t2")]
    assert leaderboard(models, "rmse")["task"].tolist() == ["t2", "t1"]


def test_over_folds_those_within_a_standard_error_are_as_good():
    # the error of the best is 0.45 / sqrt(5), about 0.2
    models = [crossed("a", 9.0, 2.0, std=0.45), crossed("b", 1.0, 2.19), crossed("c", 1.0, 2.21)]
    assert as_good(leaderboard(models, "rmse"), 5) == ["a", "b"]


def test_equal_scores_are_ordered_by_name():
    board = leaderboard([trained("b", r2=1.0), trained("a", r2=1.0)], "r2")
    assert board["model"].tolist() == ["a", "b"]


def test_a_model_without_the_metric_is_last():
    board = leaderboard([trained("a", rmse=9.0), trained("b", mae=1.0)], "rmse")
    assert board["model"].tolist() == ["a", "b"]


def test_failed_models_say_why():
    one = Failed("ridge", "t1", "override", "alpha is wrong")
    assert str(one) == "ridge [override]: alpha is wrong"
    assert failed_table([one]).iloc[0].to_dict() == {
        "model": "ridge",
        "class": "override",
        "why": "alpha is wrong",
        "task": "t1",
    }
    assert list(failed_table([])) == ["model", "class", "why", "task"]


def scored(model, score, low=None, high=None, size=1000, **more):
    intervals = {} if low is None else {"rmse": (low, high)}
    return Trained(
        model,
        f"task-{model}",
        {"rmse": score},
        {"rmse": score},
        0.1,
        0.01,
        validation_intervals=intervals,
        size_bytes=size,
        **more,
    )


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([scored("a", 1.0, 0.8, 1.2), scored("b", 1.5, 1.1, 1.9)], ["a", "b"]),
        ([scored("a", 1.0, 0.8, 1.2), scored("b", 1.5, 1.3, 1.9)], ["a"]),
        # further ones only where their score lies in the interval of the best
        (
            [
                scored("a", 1.0, 0.8, 1.2),
                scored("b", 1.1, 0.9, 1.3),
                scored("c", 1.15, 0.9, 1.4),
                scored("d", 1.4, 1.1, 1.7),
            ],
            ["a", "b", "c"],
        ),
        ([scored("a", 1.0), scored("b", 1.0)], ["a"]),
        ([scored("a", 1.0, 0.8, 1.2), scored("b", 1.1)], ["a"]),
        ([scored("a", 1.0, 0.8, 1.2)], ["a"]),
    ],
)
def test_what_the_rows_can_hardly_tell_from_the_best(models, expected):
    assert as_good(leaderboard(models, "rmse")) == expected


@pytest.mark.parametrize(("size", "expected"), [(100, "b"), (900, "a"), (None, "a")])
def test_a_much_smaller_model_is_the_simplest(size, expected):
    board = leaderboard([scored("a", 1.0), scored("b", 1.1, size=size)], "rmse")
    assert simplest(board, ["a", "b"]) == expected
    assert simplest(board, ["a"]) == "a"


def test_a_person_reads_units_and_no_empty_column():
    board = leaderboard(
        [
            scored(
                "a",
                1.23456,
                1.1,
                1.4,
                size=4_870,
                queue="cpu",
                worker="node-1:0:x",
                cross_validation={"rmse": {"mean": 1.3, "std": 0.1}},
                rows_per_second=5_234.0,
                trials=20,
            ),
            trained("b", rmse=2.0),
        ],
        "rmse",
    )
    first, second = shown(board, "rmse").to_dict(orient="records")
    assert first == {
        "rank": 1,
        "model": "a",
        "validation rmse": "1.235 (1.1 to 1.4)",
        "test rmse": "1.235",
        "cross-validation": "1.3 ± 0.1",
        "fit": "0.1 s",
        "predicts": "5,200 rows/s",
        "size": "4.87 kB",
        "tuned": "20 trials",
        "queue": "cpu",
        "node": "node-1",
    }
    assert (second["validation rmse"], second["size"], second["tuned"]) == ("2", "", "")
    alone = shown(leaderboard([trained("b", rmse=2.0)], "rmse"), "rmse")
    assert list(alone) == ["rank", "model", "validation rmse", "test rmse", "fit"]


def test_what_is_not_known_is_null_in_json():
    rows = records(leaderboard([trained("a", rmse=2.0), trained("b", mae=1.0)], "rmse"))
    assert json.loads(json.dumps(rows, allow_nan=False))[1]["validation"] is None


def test_the_artifact_of_a_training_step_is_read_as_far_as_it_goes():
    old = {
        "model": "ridge",
        "validation": {"rmse": 1.0},
        "test": {"rmse": 2.0},
        "fit_seconds": 1,
        "predict_seconds": 2,
    }
    one = Trained.of(old, "t", "cpu", "node-1:0")
    assert (one.size_bytes, one.trials, one.cross_validation) == (None, 0, {})
    new = {
        **old,
        "seed": 3,
        "preprocessing_task": "t0",
        "validation_intervals": {"rmse": [0.9, 1.1]},
        "cross_validation": {"folds": 5, "metrics": {"rmse": {"mean": 1.0, "std": 0.1}}},
        "tuning": {"trials": 12},
        "size_bytes": 10,
        "predict_rows_per_second": 3.0,
    }
    assert Trained.of(new, "t").folds == Folds(5, 3, "t0")
    row = records(leaderboard([Trained.of(new, "t")], "rmse"))[0]
    assert (row["validation low"], row["cross-validation mean"], row["tuned"]) == (0.9, 1.0, 12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.0123, "0.012 s"), (59.6, "60 s"), (400, "7 min"), (9000, "2.5 h")],
)
def test_time_spans(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, ""), (12, "12 B"), (999_600, "1 MB"), (2_500_000_000, "2.5 GB")]
)
def test_sizes(count, text):
    assert size(count) == text
