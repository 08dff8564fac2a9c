import pytest

from ml.tabular.comparison import Failed, Trained, failed_table, leaderboard


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
