from datetime import UTC, datetime

from ml.runtime import conventions as names


def test_run_ids_sort_by_time_and_differ():
    earlier = names.new_run_id(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    later = names.new_run_id(datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC))
    assert earlier.startswith("20260102-030405-")
    assert earlier < later
    assert len({names.new_run_id() for _ in range(50)}) > 40


def test_a_template_becomes_a_step_of_a_run():
    tags = [*names.template_tags("training"), "mine"]
    assert tags[:3] == ["template", "phase:training", "channel:stable"]
    stepped = names.step_tags(tags, "training", "r1")
    assert stepped == ["mine", "phase:training", "run:r1"]
    assert names.step_tags(stepped, "training", "r1") == stepped
    assert names.run_id_of(stepped) == "r1"
    assert names.phase_of(stepped) == "training"


def test_tags_without_a_run_have_no_run():
    assert names.run_id_of(["a", "b"]) == ""
    assert names.phase_of([]) == ""


def test_names():
    assert names.task_name("training", "r1", "ridge") == "training ridge r1"
    assert names.task_name("preprocessing", "r1") == "preprocessing r1"
    assert names.step_name("training", "my model!") == "training-my-model"
    assert names.slug("価格 2024") == "2024"
