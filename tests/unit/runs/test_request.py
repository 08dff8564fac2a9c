from __future__ import annotations

import pytest

from fleet.errors import FleetError, UserError
from fleet.runs.request import prepare
from fleet.runs.start import needed_queues
from fleet.spec.models import Policy
from tests.own_contract import SPEC


def _with_policy(**keys):
    return SPEC.model_copy(update={"policy": Policy(**keys)})


def _with_choice(choice: str):
    return _with_policy(queue_choice=choice, entry="both")


def test_the_first_queue_of_the_phase_is_taken():
    assert prepare(SPEC, "training", {}).queue == "cpu-train"


@pytest.mark.parametrize(
    ("choice", "asked", "allowed"),
    [
        ("fixed", "gpu-train", False),
        ("fixed", "cpu-train", True),
        ("phase", "gpu-train", True),
        ("phase", "services", False),
        ("free", "services", True),
    ],
)
def test_the_policy_decides_about_another_queue(choice, asked, allowed):
    if allowed:
        assert prepare(_with_choice(choice), "training", {}, queue=asked).queue == asked
    else:
        with pytest.raises(FleetError, match=f"'{asked}'") as caught:
            prepare(_with_choice(choice), "training", {}, queue=asked)
        assert "cpu-train" in str(caught.value)
        assert choice in str(caught.value)


@pytest.mark.parametrize(
    ("model", "choice", "asked", "queue"),
    [
        ("ridge", "fixed", None, "cpu-train"),
        ("mlp", "fixed", None, "gpu-train"),
        ("mlp", "fixed", "gpu-train", "gpu-train"),
        ("mlp", "fixed", "cpu-train", None),
        ("mlp", "phase", None, "gpu-train"),
        ("mlp", "phase", "cpu-train", "cpu-train"),
        ("mlp", "free", "services", "services"),
        ("mlp", "free", "unheard-of", None),
    ],
)
def test_a_model_that_wants_a_gpu_has_its_queue_chosen_so(model, choice, asked, queue):
    values = {"Model/name": model}
    if queue:
        assert prepare(_with_choice(choice), "training", values, queue=asked).queue == queue
    else:
        with pytest.raises(FleetError, match=f"'{asked}'"):
            prepare(_with_choice(choice), "training", values, queue=asked)


def test_the_pipeline_too_goes_where_the_policy_lets_it():
    assert prepare(_with_choice("free"), "pipeline", {}, queue="cpu-train").queue == "cpu-train"
    for choice in ("fixed", "phase"):
        with pytest.raises(FleetError, match="'cpu-train'") as caught:
            prepare(_with_choice(choice), "pipeline", {}, queue="cpu-train")
        assert caught.value.mend == "leave --queue out, or use: services"


@pytest.mark.parametrize(("entry", "refused"), [("pipeline", "training"), ("phase", "pipeline")])
def test_a_template_that_people_do_not_start_is_refused_with_those_that_they_do(entry, refused):
    spec = _with_policy(entry=entry)
    with pytest.raises(UserError, match=f"'{refused}' may not be started") as caught:
        prepare(spec, refused, {})
    assert caught.value.where == f"queues.yml, policy entry: {entry}"
    assert "inference-batch" in caught.value.mend
    assert prepare(spec, "inference-batch", {}).queue == "cpu-infer"
    assert prepare(_with_policy(entry="both"), refused, {}).template == refused


def test_a_pipeline_needs_the_queues_of_its_steps_and_no_others():
    every = needed_queues(SPEC, prepare(SPEC, "pipeline", {}))
    assert every == ["services", "cpu-preprocess", "cpu-train", "gpu-train", "cpu-infer"]
    no_network = prepare(SPEC, "pipeline", {"Training/models": "ridge"})
    assert "gpu-train" not in needed_queues(SPEC, no_network)


def test_a_wrong_template_and_a_wrong_field_name_the_nearest():
    with pytest.raises(FleetError, match="no template 'trainning'") as caught:
        prepare(SPEC, "trainning", {})
    assert "did you mean 'training'" in str(caught.value)
    with pytest.raises(UserError) as field:
        prepare(SPEC, "pipeline", {"Data/targt": "x"})
    assert "Data/target" in str(field.value)


def test_a_data_file_needs_a_target_and_is_looked_at(tmp_path):
    file = tmp_path / "data.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(FleetError, match="column to predict is not named"):
        prepare(SPEC, "pipeline", {}, data_file=file)
    with pytest.raises(UserError, match="price") as caught:
        prepare(SPEC, "pipeline", {"Data/target": "price"}, data_file=file)
    assert "a, b" in str(caught.value)
    with pytest.raises(UserError, match=r"absent\.csv"):
        prepare(SPEC, "pipeline", {"Data/target": "a"}, data_file=tmp_path / "absent.csv")


def test_a_data_file_is_looked_at_as_the_registration_will(tmp_path):
    file = tmp_path / "data.csv"
    rows = "".join(f"Zürich,{n}.5,1\nKöln,{n},inf\n" for n in range(30))
    file.write_bytes(f"city,price,odd\n{rows}".encode("cp1252"))
    fields = {"Data/target": "price", "Data/types": '{"odd": "ignore", "city": "category"}'}
    with pytest.raises(UserError, match="windows-1252"):
        prepare(SPEC, "pipeline", fields, data_file=file)
    fields["Data/encoding"] = "windows-1252"
    assert prepare(SPEC, "pipeline", fields, data_file=file).data_file == file
    with pytest.raises(UserError, match="infinite"):
        prepare(SPEC, "pipeline", fields | {"Data/types": "{}"}, data_file=file)
