"""What trains on a GPU does so where there is one, and agrees with the CPU; skipped elsewhere.

Run it on a node with a GPU, in the cuda image: ``python -m pytest tests/gpu``.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from ml.model_catalog import MODELS
from ml.models import xgboost_gpu
from ml.tabular.data.inspection import infer_schema
from ml.tabular.learning import network
from ml.tabular.learning.fitting import fit
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.splitting import split

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU and CUDA")

ROWS = 6000
# those that change smoothly: one row that changes its class moves the others by more than rounding
SMOOTH = {"rmse", "r2", "log_loss", "brier", "roc_auc"}


def table(kind):
    """Rows enough that a score is not one row's affair."""
    if kind == "regression":
        features, target = datasets.make_friedman1(ROWS, 8, noise=1.0, random_state=0)
    else:
        features, codes = datasets.make_classification(
            ROWS,
            10,
            n_informative=6,
            n_classes=2 if kind == "binary" else 3,
            flip_y=0.1,
            random_state=0,
        )
        target = np.array(["a", "b", "c"])[codes]
    frame = pd.DataFrame(features, columns=[f"x{place}" for place in range(features.shape[1])])
    frame["target"] = target
    return frame


def trained(kind, model):
    frame = table(kind)
    schema = infer_schema(frame, "target", "table")
    assert schema.kind == kind
    parts = split(frame, schema, 0.2, 0.2, seed=0)
    preprocessor = fit_preprocessor(parts.train, schema)
    return fit(parts, schema, preprocessor, model, MODELS[model].parameters(), 0)


def agree(on_gpu, on_cpu, tolerance):
    for name in SMOOTH & on_cpu.test.keys():
        assert on_gpu.test[name] == pytest.approx(on_cpu.test[name], rel=tolerance), name


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_the_network_trains_on_the_gpu_and_agrees_with_the_cpu(kind, monkeypatch):
    on_gpu = trained(kind, "mlp")
    assert on_gpu.device == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    on_cpu = trained(kind, "mlp")
    assert on_cpu.device == "cpu"
    agree(on_gpu, on_cpu, network.TOLERANCE)


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_xgboost_trains_on_the_gpu_and_agrees_with_the_cpu(kind):
    on_gpu = trained(kind, "xgboost_gpu")
    assert on_gpu.device == "cuda"
    on_cpu = trained(kind, "xgboost")
    assert on_cpu.device == "cpu"
    agree(on_gpu, on_cpu, xgboost_gpu.TOLERANCE)


@pytest.mark.parametrize("model", ["mlp", "xgboost_gpu"])
def test_what_was_trained_on_the_gpu_predicts_the_same_bits_without_one(model, monkeypatch):
    frame = table("regression")
    found = trained("regression", model).model
    expected = found.predict(frame, "all")["prediction"].to_numpy()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    np.testing.assert_array_equal(found.predict(frame, "all")["prediction"], expected)
