"""What tasks report, and how it is read back."""

from __future__ import annotations

import json
import math

import pytest

SCALAR, IMAGE = "training_stats_scalar", "training_debug_image"


def add(api, events: list[dict]) -> dict:
    """Send a batch as clients do: one object per line."""
    response = api.session.post(
        f"{api.url}/v2.23/events.add_batch",
        data="\n".join(json.dumps(event) for event in events),
        headers={"Content-Type": "application/json-lines"},
        timeout=10,
    )
    return response.json()


def scalar(task: str, iteration: int, value: float, variant: str = "v") -> dict:
    return {
        "type": SCALAR,
        "task": task,
        "metric": "m",
        "variant": variant,
        "iter": iteration,
        "value": value,
        "timestamp": 1000 + iteration,
    }


@pytest.fixture
def task(api) -> str:
    return api.task()


def test_log_forwards_and_backwards(api, task):
    lines = [
        {
            "type": "log",
            "task": task,
            "msg": f"line {n}",
            "level": "INFO",
            "worker": "w",
            "timestamp": 1000 + n // 2,
        }
        for n in range(10)
    ]
    assert add(api, lines)["data"]["added"] == 10

    def log(**data) -> list[str]:
        answer = api.call("events.get_task_log", task=task, **data)
        assert answer["total"] == 10
        return [event["msg"][5:] for event in answer["events"]]

    assert log(batch_size=2, order="asc", navigate_earlier=True) == ["8", "9"]
    assert log(batch_size=2) == ["9", "8"]
    assert log(batch_size=3, navigate_earlier=False) == ["0", "1", "2"]
    assert log(navigate_earlier=False, from_timestamp=1003) == ["8", "9"]

    pages, scroll = [], None
    while True:
        answer = api.call(
            "events.get_task_events", task=task, event_type="log", batch_size=4, scroll_id=scroll
        )
        if not answer["events"]:
            break
        pages += [event["msg"] for event in answer["events"]]
        scroll = answer["scroll_id"]
    assert pages == [line["msg"] for line in lines]
    api.call("events.clear_task_log", task=task)
    assert api.call("events.get_task_log", task=task)["events"] == []


def test_scalars(api, task):
    add(api, [scalar(task, n, n * 1.0) for n in range(10)] + [scalar(task, 3, 99.0)])
    series = api.call("events.scalar_metrics_iter_histogram", task=task, key="iter")["m"]["v"]
    assert series["x"] == list(range(10))
    assert series["y"][3] == 99.0
    thinned = api.call("events.scalar_metrics_iter_histogram", task=task, samples=5)["m"]["v"]
    assert len(thinned["x"]) == 5
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert found["last_iteration"] == 9
    (variants,) = found["last_metrics"].values()
    (last,) = variants.values()
    assert (last["value"], last["min_value"], last["max_value"]) == (99.0, 0.0, 99.0)
    assert (last["max_value_iteration"], last["metric"], last["variant"]) == (3, "m", "v")
    raw = api.call(
        "events.scalar_metrics_iter_raw",
        task=task,
        metric={"metric": "m"},
        count_total=True,
        batch_size=4,
    )
    assert (raw["returned"], raw["total"]) == (4, 10)
    page = api.call("events.get_scalar_metric_data", task=task, metric="m", batch_size=6)
    assert [event["iter"] for event in page["events"]] == list(range(6))
    assert api.call("events.get_scalar_metrics_and_variants", task=task)["metrics"] == {"m": ["v"]}
    values = api.call("events.get_task_latest_scalar_values", task=task)["metrics"]
    assert values[0]["variants"][0]["last_value"] == 9.0


def test_single_values_are_apart(api, task):
    add(api, [scalar(task, -(2**31), 0.5, "score"), scalar(task, 1, 2.0)])
    answer = api.call("events.get_task_single_value_metrics", tasks=[task])["tasks"]
    assert [(value["variant"], value["value"]) for value in answer[0]["values"]] == [("score", 0.5)]
    histogram = api.call("events.scalar_metrics_iter_histogram", task=task)
    assert list(histogram["m"]) == ["v"]
    assert api.call("tasks.get_by_id", task=task)["task"]["last_iteration"] == 1


def test_plots(api, task):
    plot = {"type": "plot", "task": task, "metric": "p", "variant": "s"}
    add(api, [{**plot, "iter": n, "plot_str": f"{{{n}}}", "timestamp": 5} for n in range(3)])
    plots = api.call("events.get_task_plots", task=task, iters=1)["plots"]
    assert [(item["iter"], item["plot_str"]) for item in plots] == [(2, "{2}")]
    assert len(api.call("events.get_task_plots", task=task, iters=5)["plots"]) == 3
    tree = api.call("events.get_multi_task_plots", tasks=[task])["plots"]
    assert list(tree["p"]["s"]) == [task]
    assert api.call("events.get_task_metrics", tasks=[task], event_type="plot")["metrics"] == [
        {"task": task, "metrics": ["p"]}
    ]


def test_debug_images_scroll_by_iteration(api, task):
    add(
        api,
        [
            {
                "type": IMAGE,
                "task": task,
                "metric": "img",
                "variant": "a",
                "iter": n,
                "url": f"http://x/{n}",
                "key": str(n),
            }
            for n in range(4)
        ],
    )
    request = {"metrics": [{"task": task, "metric": "img", "variants": ["a"]}], "iters": 3}
    first = api.call("events.debug_images", **request)
    assert [page["iter"] for page in first["metrics"][0]["iterations"]] == [3, 2, 1]
    rest = api.call("events.debug_images", **request, scroll_id=first["scroll_id"])
    assert [page["iter"] for page in rest["metrics"][0]["iterations"]] == [0]
    assert rest["metrics"][0]["iterations"][0]["events"][0]["url"] == "http://x/0"
    last = api.call("events.debug_images", **request, scroll_id=rest["scroll_id"])
    assert last["metrics"][0]["iterations"] == []


def test_bad_events_are_counted_and_good_ones_kept(api, task):
    answer = add(
        api,
        [
            scalar(task, 1, 1.0),
            {"type": "nonsense", "task": task},
            [],
            {**scalar(task, 1, 1.0), "value": "x"},
            {"type": "log", "task": task},
            {**scalar(task, 1, 1.0), "iter": "x"},
        ],
    )
    assert (answer["data"]["added"], answer["data"]["errors"]) == (1, 5)
    answer = add(api, [{"type": "log", "task": "0" * 32, "msg": "x"}])
    assert answer["meta"]["result_subcode"] == 101


def test_published_tasks_are_locked(api, task):
    api.call("tasks.started", task=task)
    api.call("tasks.completed", task=task, publish=True)
    assert api.refused("events.add", task=task, type="log", msg="late")[0] == 400
    api.call("events.add", task=task, type="log", msg="late", allow_locked=True)
    assert api.refused("events.delete_for_task", task=task) == (400, 110)
    api.call("events.delete_for_task", task=task, allow_locked=True)


def test_model_events(api):
    model = api.call("models.create", name="net", uri="file:///n")["id"]
    api.call("events.add", **scalar(model, 1, 2.0), model_event=True)
    answer = api.call("events.scalar_metrics_iter_histogram", task=model, model_events=True)
    assert answer["m"]["v"]["y"] == [2.0]
    api.call("events.delete_for_model", model=model)
    assert api.call("events.get_task_events", task=model, model_events=True)["events"] == []


def test_a_scalar_without_a_finite_value_is_a_gap(api, task):
    values = [2.0, math.nan, 1.0, math.inf, -math.inf]
    answer = add(api, [scalar(task, number, value) for number, value in enumerate(values)])
    assert answer["data"]["added"] == 5
    curve = api.call("events.scalar_metrics_iter_histogram", task=task)["m"]["v"]
    assert (curve["x"], curve["y"]) == ([0, 2], [2.0, 1.0])
    raw = api.call("events.scalar_metrics_iter_raw", task=task, metric={"metric": "m"})
    assert raw["variants"]["v"]["y"] == [2.0, None, 1.0, None, None]
    assert api.call("events.get_scalar_metric_data", task=task, metric="m")["returned"] == 5
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert found["last_iteration"] == 4
    ((last,),) = [variants.values() for variants in found["last_metrics"].values()]
    kept = ("value", "min_value", "max_value", "mean_value", "count")
    assert [last[name] for name in kept] == [1.0, 1.0, 2.0, 1.5, 2]


def test_a_single_value_that_is_not_finite_is_left_out(api, task):
    assert add(api, [scalar(task, -(2**31), math.nan)])["data"]["added"] == 1
    assert api.call("tasks.get_by_id", task=task)["task"]["last_metrics"] == {}
    found = api.call("events.get_task_single_value_metrics", tasks=[task])["tasks"]
    assert [value for item in found for value in item["values"]] == []


def test_scalars_near_the_largest_number(api, task):
    largest = 1.7e308
    add(api, [scalar(task, number, largest) for number in range(4)])
    add(api, [scalar(task, 4, -largest)])
    found = api.call("tasks.get_by_id", task=task)["task"]
    ((last,),) = [variants.values() for variants in found["last_metrics"].values()]
    assert last["mean_value"] == pytest.approx(largest / 5 * 3)
    curve = api.call("events.scalar_metrics_iter_histogram", task=task, samples=2)["m"]["v"]
    assert curve["y"] == pytest.approx([largest, 0.0])
