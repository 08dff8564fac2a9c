"""Thinning a series of points to a number that can be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fleet.server import timestamps

# What the x axis shows, from (iteration, timestamp in ms).
AXES: dict[str, Callable[[Sequence], Any]] = {
    "iter": lambda point: point[0],
    "timestamp": lambda point: point[1],
    "iso_time": lambda point: timestamps.from_epoch(point[1] / 1000),
}


def sampled(points: Sequence[tuple[int, int, float]], key: str, samples: int) -> dict[str, list]:
    """A series as `x` and `y`, with `samples` points at most.

    Neighbouring points are put together: their mean value at the place of the first of them.

    Parameters
    ----------
    points : sequence of (iteration, timestamp in ms, value)
        In the order of the axis.
    key : str
        The axis: one of AXES.
    samples : int
        0 for all points.
    """
    axis = AXES[key]
    if key != "iter":
        points = sorted(points, key=lambda point: point[1])
    if not samples or len(points) <= samples:
        return {"x": [axis(point) for point in points], "y": [point[2] for point in points]}
    size = -(-len(points) // samples)
    x, y = [], []
    for start in range(0, len(points), size):
        group = points[start : start + size]
        x.append(axis(group[0]))
        # Divided first, so that no step leaves the range of numbers.
        y.append(sum(point[2] / len(group) for point in group))
    return {"x": x, "y": y}
