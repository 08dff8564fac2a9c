import pytest

from ml.tabular.learning.choosing import best_of


def crossed(mean, std=0.02, loss_std=0.1, loss=0.3):
    return {"accuracy": {"mean": mean, "std": std}, "log_loss": {"mean": loss, "std": loss_std}}


def test_the_best_mean_wins():
    models = {"a": crossed(0.90, loss_std=0.01), "b": crossed(0.95), "c": crossed(0.93)}
    assert best_of(models, "accuracy", 5) == "b"


def test_less_is_better_where_it_is():
    models = {name: {"rmse": {"mean": mean, "std": 0.1}} for name, mean in (("a", 3), ("b", 2))}
    assert best_of(models, "rmse", 5) == "b"


def test_of_equal_ones_the_steadiest_wins():
    models = {"a": crossed(0.9860, loss_std=0.2), "b": crossed(0.9857, loss_std=0.1)}
    assert best_of(models, "accuracy", 5) == "b"
    # a whole row of 142 is a difference
    models["b"] = crossed(0.979, loss_std=0.1)
    assert best_of(models, "accuracy", 5) == "a"


def test_of_equal_ones_a_clearly_larger_loss_loses():
    models = {"a": crossed(0.98, loss=0.05, loss_std=0.05), "b": crossed(0.98, loss_std=0.01)}
    assert best_of(models, "accuracy", 5) == "a"
    # within one standard error it is no larger, and the steadier wins
    models["b"] = crossed(0.98, loss=0.07, loss_std=0.01)
    assert best_of(models, "accuracy", 5) == "b"


def test_the_name_decides_where_nothing_else_does():
    assert best_of({"b": crossed(0.9), "a": crossed(0.9)}, "accuracy", 5) == "a"


def test_none_is_a_mistake():
    with pytest.raises(ValueError, match="empty"):
        best_of({}, "accuracy", 5)
