"""Two runs beside each other: what counts as a difference of results, and what explains it."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fleet.cli.diff import diff
from fleet.errors import FleetError
from fleet.runs.compare import compare
from fleet.runs.fingerprints import RunPrint, StepPrint, read_folder

MADE = {
    "run_id": "r1",
    "commit": "c1",
    "image": "cpu@sha256:1",
    "lock": "l1",
    "environment": "e1",
    "device": "cpu",
    "parameters": {"Split/seed": "0", "Input/preprocessing_task": "t0"},
    "inputs": [],
    "outputs": {"predictions": {"sha256": "p1"}, "model": {"sha256": "m1"}},
    "results": {"test rmse": 2.0},
    "stated": {"score": "2"},
}


def step(key="training ridge", reference="t1", status="completed", node="a", **made):
    fingerprint = {**copy.deepcopy(MADE), **made}
    return StepPrint(key, reference, status, node=node, fingerprint=fingerprint)


def run(*steps, name="r1"):
    return RunPrint(name, steps)


def parts(compared):
    return {item.part: item.of_results for item in compared.differences}


def test_equal_runs_on_other_nodes_are_equal():
    compared = compare(run(step()), run(step(node="b", outputs=MADE["outputs"])))
    assert compared.equal
    assert compared.differences == ()
    assert (compared.steps[0].first_place, compared.steps[0].second_place) == ("a", "b")
    assert compared.steps[0].predictions is True
    assert compared.verdict == "equal results in the one step, to the last bit"


def test_a_pickles_bytes_are_no_difference():
    outputs = {**MADE["outputs"], "model": {"sha256": "m2"}}
    assert compare(run(step()), run(step(outputs=outputs))).differences == ()


def test_the_last_bit_counts_on_a_cpu():
    compared = compare(run(step()), run(step(results={"test rmse": 2.0000000000000004})))
    (difference,) = compared.differences
    assert not compared.equal
    assert difference.part == "result test rmse"
    assert difference.second == "2.0000000000000004"
    assert 0 < difference.size < 1e-15


def test_other_predictions_with_equal_scores_are_a_difference():
    compared = compare(run(step()), run(step(outputs={"predictions": {"sha256": "p2"}})))
    assert parts(compared) == {"artifact predictions": True}
    assert compared.steps[0].predictions is False


def test_json_is_compared_by_what_it_says():
    first = {"metrics": {"sha256": "1", "content": "same"}}
    second = {"metrics": {"sha256": "2", "content": "same"}}
    assert compare(run(step(outputs=first)), run(step(outputs=second))).equal


def test_what_a_step_was_made_of_explains_and_is_no_difference_of_results():
    other = step(commit="c2", environment="e2", parameters={"Split/seed": "1"}, driver="550")
    compared = compare(run(step()), run(other))
    assert compared.equal
    assert set(parts(compared)) == {"commit", "environment", "driver", "parameter Split/seed"}


def test_the_verdict_names_the_first_step_that_differs_and_how_it_was_made():
    first = run(step("preprocessing"), step())
    second = run(
        step("preprocessing", parameters={"Split/seed": "1"}, outputs={"train": {"sha256": "2"}}),
        step(results={"test rmse": 3.0}),
    )
    assert compare(first, second).verdict == (
        "different results from preprocessing on, which differs in parameter Split/seed"
    )


def test_ids_of_the_runs_own_tasks_are_no_difference():
    mine = {"Input/preprocessing_task": "t0", "Data/source": "http://files/r1/a.csv"}
    its = {"Input/preprocessing_task": "t9", "Data/source": "http://files/r2/a.csv"}
    compared = compare(run(step(parameters=mine)), run(step(run_id="r2", parameters=its)))
    assert compared.differences == ()


def test_another_file_at_the_same_address_is_told():
    def given(digest):
        return step(inputs=[{"kind": "file", "name": "Data/source", "of": "a", "sha256": digest}])

    assert parts(compare(run(given("1")), run(given("2")))) == {"file Data/source": False}


def test_each_file_of_a_field_is_told():
    def given(*digests):
        places = ("mon/a.csv", "mon/b.csv", "tue/a.csv")
        return step(
            inputs=[
                {"kind": "file", "name": "Data/source", "of": place, "sha256": digest}
                for place, digest in zip(places, digests, strict=True)
            ]
        )

    compared = compare(run(given("1", "2", "3")), run(given("9", "2", "3")))
    assert parts(compared) == {"file Data/source a.csv": False}
    compared = compare(run(given("1", "2", "3")), run(given("1", "9", "3")))
    assert parts(compared) == {"file Data/source b.csv": False}


def test_nought_and_minus_nought_are_not_apart():
    zero, minus = step(stated={"score": "0"}), step(stated={"score": "-0"})
    (difference,) = compare(run(zero), run(minus)).differences
    assert difference.size == 0


def test_numbers_of_a_gpu_are_equal_within_the_tolerance():
    def on_gpu(rmse, digest):
        outputs = {"predictions": {"sha256": digest}}
        return step(device="NVIDIA H100", results={"test rmse": rmse}, outputs=outputs)

    near = compare(run(on_gpu(2.0, "1")), run(on_gpu(2.001, "2")))
    assert near.equal
    assert near.steps[0].results == "within tolerance"
    assert near.steps[0].predictions is False
    assert "within 0.001 where a GPU computed: training ridge" in near.verdict
    assert not compare(run(on_gpu(2.0, "1")), run(on_gpu(2.01, "1"))).equal


def test_what_was_made_of_a_gpus_model_is_compared_like_it_and_the_rest_to_the_last_bit():
    def made(rmse):
        model = step("training mlp", "t2", device="NVIDIA H100")
        of_mlp = [{"kind": "artifact", "name": "model", "of": "t2", "sha256": "m"}]
        batch = step("inference-batch", "t3", inputs=of_mlp, results={"rmse": rmse})
        return run(model, batch, step("training ridge", "t4"))

    assert compare(made(1.0), made(1.0001)).equal
    of_ridge = [{"kind": "artifact", "name": "model", "of": "t4", "sha256": "m"}]
    exact = step("inference-batch", "t3", inputs=of_ridge, results={"rmse": 1.0})
    other = step("inference-batch", "t3", inputs=of_ridge, results={"rmse": 1.0001})
    gpu = step("training mlp", "t2", device="NVIDIA H100")
    assert not compare(run(gpu, exact), run(gpu, other)).equal


def on_gpu(**made):
    return run(step("inference-single", device="NVIDIA H100", **made))


def test_of_a_prediction_in_words_the_value_counts_where_a_gpu_computed():
    def said(words):
        return on_gpu(stated={"prediction": words})

    two = said("2 (90 %: 1 to 3)")
    assert compare(two, said("2.001 (90 %: 1.001 to 3.001)")).equal
    assert not compare(two, said("2.01 (90 %: 1 to 3)")).equal
    assert compare(said("yes (93.1%)"), said("yes (93.0%)")).differences == ()
    assert not compare(said("yes (50.1%)"), said("no (50.1%)")).equal
    assert not compare(said("a (b)"), said("a (c)")).equal


def test_on_a_cpu_a_prediction_in_words_is_the_same_word_for_word():
    one, other = (step(stated={"prediction": f"yes ({share}%)"}) for share in ("93.1", "93.0"))
    assert not compare(run(one), run(other)).equal


def test_small_probabilities_and_ends_near_nought_are_not_taken_by_their_own_size():
    def found(**results):
        return on_gpu(results={name.replace("_", " "): one for name, one in results.items()})

    assert compare(found(probability_of_a=1e-5), found(probability_of_a=2e-5)).equal
    assert not compare(found(probability_of_a=0.5), found(probability_of_a=0.502)).equal
    one = found(prediction=2.0, low=0.001, high=4.0)
    assert compare(one, found(prediction=2.0, low=0.002, high=4.0)).equal
    assert not compare(one, found(prediction=2.0, low=0.02, high=4.0)).equal


def test_what_came_of_a_gpu_is_known_wherever_the_folder_is_looked_at_from():
    def made(rmse):
        inputs = [{"kind": "artifact", "name": "summary", "of": "run/mlp", "sha256": "m"}]
        model = step("training mlp", "/home/a/run/mlp", device="NVIDIA H100")
        return run(model, step("inference-summary", inputs=inputs, results={"rmse": rmse}))

    assert compare(made(1.0), made(1.0001)).equal


def test_between_a_gpu_and_a_cpu_a_model_declares_how_far_scores_may_be_apart():
    def made(device, rmse):
        model = step("training x", "t2", device=device, tolerance=0.02, results={"rmse": rmse})
        inputs = [{"kind": "artifact", "name": "metrics", "of": "t2", "sha256": "m"}]
        summary = step("training-summary", "t3", inputs=inputs, stated={"score": str(rmse)})
        return run(model, summary, step("pipeline", "t4", stated={"score": str(rmse)}))

    compared = compare(made("NVIDIA H100", 1.0), made("cpu", 1.01))
    assert compared.equal
    assert "within 0.02 where a GPU computed" in compared.verdict
    assert not compare(made("NVIDIA H100", 1.0), made("cpu", 1.03)).equal
    # two GPUs draw the same random numbers
    assert not compare(made("NVIDIA H100", 1.0), made("NVIDIA H200", 1.01)).equal


def test_a_step_that_one_run_lacks_and_one_that_failed_are_differences():
    compared = compare(run(step(), step("training mlp")), run(step(status="failed")))
    assert not compared.equal
    assert [one.results for one in compared.steps] == ["differ", "only in the first"]


def test_steps_that_failed_in_both_runs_are_alike():
    failed = step(status="failed", results={}, stated={}, outputs={})
    compared = compare(run(failed), run(failed))
    assert compared.equal
    assert "1 failed alike" in compared.verdict


def failing(why, run_id="r1"):
    made = {**MADE, "run_id": run_id, "results": {}, "stated": {}, "outputs": {}}
    return run(StepPrint("training mlp", "t1", "failed", failure=why, fingerprint=made))


def test_steps_that_failed_for_another_reason_are_not_alike():
    compared = compare(failing("bad_alloc"), failing("no column 'a'"))
    assert parts(compared) == {"status": True}
    assert compared.differences[0].second == "failed no column 'a'"
    assert compared.steps[0].results == "differ"


def test_a_failure_that_names_its_own_run_and_task_is_alike():
    one = failing(f"task {'0a' * 16} of run r1 was lost")
    assert compare(one, failing(f"task {'1b' * 16} of run r2 was lost", "r2")).equal


def test_no_number_is_no_number():
    nan = step(results={"test roc_auc": float("nan")})
    assert compare(run(nan), run(nan)).equal


@pytest.fixture
def folder(tmp_path):
    """Writes a run as the phases leave it in a folder."""

    def write(name, **made):
        for key, phase in (("pipeline", "pipeline"), ("x", "training")):
            path = tmp_path / name / ("" if key == "pipeline" else key)
            path.mkdir(parents=True, exist_ok=True)
            record = {"phase": phase, "status": "completed", "properties": {}}
            record["artifacts"] = {"fingerprint": "fingerprint.json"}
            (path / "step.json").write_text(json.dumps(record))
            own = {**MADE, **(made if key == "x" else {})}
            own["parameters"] = {**own["parameters"], "Model/name": "ridge"}
            (path / "fingerprint.json").write_text(json.dumps(own))
        return str(tmp_path / name)

    return write


def test_runs_in_folders_are_compared_without_a_server(folder):
    same = CliRunner().invoke(diff, [folder("a"), folder("b")])
    assert same.exit_code == 0, same.output
    assert "equal results in 2 steps" in same.output
    other = CliRunner().invoke(diff, [folder("a"), folder("c", results={"test rmse": 2.5})])
    assert other.exit_code == 2
    assert "different results from training ridge on" in other.output
    assert "+20.00%" in other.output


def test_json_says_all_of_it(folder):
    arguments = [folder("a"), folder("c", results={"test rmse": 2.5}), "--json"]
    said = json.loads(CliRunner().invoke(diff, arguments).stdout)
    assert said["equal"] is False
    assert [one["step"] for one in said["steps"]] == ["training ridge", "pipeline"]
    assert said["differences"][0]["part"] == "result test rmse"
    assert said["differences"][0]["size"] == pytest.approx(0.2)


def test_a_folder_without_fingerprints_is_told(tmp_path):
    with pytest.raises(FleetError, match="has a fingerprint") as caught:
        read_folder(tmp_path)
    assert "step code" in caught.value.mend


def test_a_fingerprint_that_an_earlier_run_left_in_the_folder_does_not_count(folder):
    path = Path(folder("a"))
    record = {
        "phase": "training",
        "status": "failed",
        "properties": {"model": "ridge", "failure": "no memory"},
        "artifacts": {"configuration": "configuration.json"},
    }
    (path / "x" / "step.json").write_text(json.dumps(record))
    first, last = read_folder(path).steps
    assert (first.key, first.fingerprint) == ("training ridge", None)
    assert last.fingerprint is not None


@pytest.mark.parametrize("name", ["step.json", "fingerprint.json"])
def test_a_file_that_was_cut_off_is_told(folder, name):
    path = Path(folder("a")) / "x" / name
    path.write_text("{")
    with pytest.raises(FleetError, match="cannot be read") as caught:
        read_folder(path.parents[1])
    assert caught.value.where == str(path)


def test_a_fingerprint_that_is_gone_is_told(folder):
    path = Path(folder("a")) / "x" / "fingerprint.json"
    path.unlink()
    with pytest.raises(FleetError, match="cannot be read"):
        read_folder(path.parents[1])
