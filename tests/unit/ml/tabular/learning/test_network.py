import sys

import numpy as np
import pytest

from ml.model_catalog import MODELS
from ml.runtime.errors import UserError


def network(kind):
    mlp = MODELS["mlp"]
    return mlp.build(mlp.parameters(epochs=3), kind, seed=0)


def test_without_pytorch_training_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match="needs PyTorch") as caught:
        network("regression").fit(np.zeros((4, 2)), np.arange(4.0))
    assert caught.value.failure_class == "dependency"


def test_a_fitted_network_predicts_as_pytorch_would():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    features = random.normal(size=(50, 3))
    labels = np.array(["a", "b", "c"], dtype=object)[random.integers(0, 3, 50)]
    model = network("multiclass").fit(features, labels)
    values = torch.from_numpy(features)
    *inner, last = [tuple(map(torch.from_numpy, pair)) for pair in model._weights]
    for weight, bias in inner:
        values = torch.relu(values @ weight.T + bias)
    expected = torch.softmax(values @ last[0].T + last[1], dim=1).numpy()
    np.testing.assert_allclose(model.predict_proba(features), expected, rtol=1e-9)
    assert list(model.classes_) == ["a", "b", "c"]


def test_the_same_seed_gives_the_same_network():
    pytest.importorskip("torch")
    features = np.random.default_rng(0).normal(size=(40, 3))
    target = features.sum(axis=1)
    first, again = (network("regression").fit(features, target) for _ in range(2))
    np.testing.assert_array_equal(first.predict(features), again.predict(features))


def test_dropout_leaves_out_its_share_of_units_anew_for_each_row_and_draw():
    torch = pytest.importorskip("torch")
    mlp = MODELS["mlp"]
    model = mlp.build(mlp.parameters(dropout=0.25, hidden=100), "regression", seed=0)
    kept = [model._kept(torch.arange(200), draw).numpy() for draw in range(3)]
    for found in kept:
        assert set(np.unique(found)) == {0.0, np.float32(1 / 0.75)}
        assert (found == 0).mean() == pytest.approx(0.25, abs=0.01)
        # neither rows nor units are alike
        assert (found == 0).mean(axis=0).std() < 0.05
        assert (found == 0).mean(axis=1).std() < 0.06
    agreement = [(kept[0] == kept[1]).mean(), (kept[0][:-1] == kept[0][1:]).mean()]
    assert agreement == pytest.approx([0.625, 0.625], abs=0.02)


def test_the_network_says_where_it_was_trained_and_what_threads_it_took():
    torch = pytest.importorskip("torch")
    mlp = MODELS["mlp"]
    model = mlp.build(mlp.parameters(epochs=1), "regression", 0, 2)
    model.fit(np.zeros((10, 2)), np.arange(10.0))
    assert model.device_ == ("cuda" if torch.cuda.is_available() else "cpu")
    assert torch.get_num_threads() == 2
    assert len(model.history_["loss"]) == 1
