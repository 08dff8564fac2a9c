import subprocess
import sys

import pytest

from ml.catalog import PHASES
from ml.model_catalog import MODELS, find
from ml.runtime.parameters import fields, flatten, parse
from ml.runtime.reporting import max_fields

HEAVY = ("pandas", "sklearn", "clearml", "torch", "lightgbm", "plotly", "numpy")


def test_the_phases_are_there_in_the_order_of_the_workflow():
    assert list(PHASES) == [
        "pipeline",
        "data-registration",
        "data-editing",
        "preprocessing",
        "training",
        "training-summary",
        "inference-single",
        "inference-batch",
        "inference-optimize",
        "inference-summary",
    ]


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_a_phase_has_an_entry_and_few_typed_fields_with_help(phase):
    assert callable(phase.load())
    declared = fields(phase.parameters)
    assert 0 < len(declared) <= max_fields(phase.name)
    assert all(field.help and field.type in ("int", "float", "bool", "str") for field in declared)


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_the_defaults_as_texts_are_the_defaults(phase):
    defaults = {field.path: field.default for field in fields(phase.parameters)}
    assert parse(phase.parameters, defaults) == phase.parameters()
    assert flatten(phase.parameters()) == defaults


def test_reading_the_catalogue_loads_nothing_heavy():
    code = (
        "import sys, ml.catalog, ml.pipeline, ml.checks, ml.runtime.conventions\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr


def test_the_network_and_one_xgboost_ask_for_a_gpu():
    asking = {name for name, model in MODELS.items() if model.accelerator == "gpu"}
    assert asking == {"mlp", "xgboost_gpu"}
    assert {"ridge", "random_forest", "lightgbm", "xgboost", "catboost"} <= set(MODELS)


def test_an_unknown_model_is_told_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'ridge'"):
        find("rigde")
