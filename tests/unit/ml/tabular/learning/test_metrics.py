import numpy as np
import pytest
from sklearn import metrics

from ml.runtime.errors import UserError
from ml.runtime.metric_names import AUTO, DEFAULTS, is_less_better, of_kind
from ml.tabular.learning.metrics import resolve, score
from ml.tabular.schema import Schema


def schema(kind, classes=()):
    return Schema(name="x", target="t", kind=kind, classes=list(classes), columns=[], rows=0)


def test_classes_are_scored_as_scikit_learn_does():
    classes = ["a", "b", "c"]
    random = np.random.default_rng(0)
    truth = random.choice(classes, 80).astype(object)
    probabilities = random.dirichlet(np.ones(3), 80)
    prediction = np.array(classes, dtype=object)[probabilities.argmax(axis=1)]
    found = score(truth, prediction, probabilities, schema("multiclass", classes))
    assert tuple(found) == of_kind("multiclass")
    assert found["accuracy"] == metrics.accuracy_score(truth, prediction)
    assert found["balanced_accuracy"] == pytest.approx(
        metrics.balanced_accuracy_score(truth, prediction)
    )
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(truth, prediction, average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, probabilities))
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(truth, probabilities))
    assert found["roc_auc"] == pytest.approx(
        metrics.roc_auc_score(truth, probabilities, multi_class="ovr")
    )


def test_two_classes_have_the_usual_brier_score():
    truth = np.array(["n", "y", "y"], dtype=object)
    positive = np.array([0.2, 0.6, 0.9])
    found = score(truth, truth, np.column_stack([1 - positive, positive]), schema("binary", "ny"))
    assert found["brier"] == pytest.approx(((positive - [0, 1, 1]) ** 2).mean())


@pytest.mark.parametrize(
    ("truth", "without"),
    [([1.0, 2.0, 4.0], set()), ([0.0, 2.0, 4.0], {"mape"}), ([3.0, 3.0, 3.0], {"r2"})],
)
def test_a_metric_without_a_value_is_left_out(truth, without):
    found = score(np.array(truth), np.array([1.0, 2.0, 3.0]), None, schema("regression"))
    assert set(of_kind("regression")) - set(found) == without


def test_the_metric_to_choose_by_fits_the_problem():
    for kind, usual in DEFAULTS.items():
        assert resolve(AUTO, schema(kind), "Model/metric") == usual
        assert usual in of_kind(kind)
    with pytest.raises(UserError, match="'rmse' does not fit a binary problem") as caught:
        resolve("rmse", schema("binary"), "Model/metric")
    assert caught.value.where == "Model/metric"
    assert "balanced_accuracy" in caught.value.mend


def test_which_way_is_better():
    better = {name for kind in DEFAULTS for name in of_kind(kind) if is_less_better(name)}
    assert better == {"rmse", "mae", "mape", "log_loss", "brier"}
