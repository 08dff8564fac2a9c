"""The few types that tables are held in."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.tabular.data.arrow_types import MOMENT, canonical, from_frame

DAY = datetime.datetime(2026, 11, 23)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array([decimal.Decimal("1.50"), None]), pa.float64(), [1.5, None]),
        (pa.array(np.array([1.5, 2], np.float16)), pa.float64(), [1.5, 2.0]),
        (pa.array([DAY.date(), None]), MOMENT, [DAY, None]),
        (pa.array([DAY, None], pa.timestamp("ns")), MOMENT, [DAY, None]),
        (pa.array([datetime.date(9999, 12, 31)]), MOMENT, [datetime.datetime(9999, 12, 31)]),
        (
            pa.array([datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)]).cast(
                pa.timestamp("us", "Asia/Tokyo")
            ),
            MOMENT,
            [DAY],
        ),
        (pa.array([datetime.time(10, 30), None]), pa.string(), ["10:30:00.000000", None]),
        (pa.array([datetime.timedelta(seconds=90), None]), pa.float64(), [90.0, None]),
        (pa.array(["a", "", None]).dictionary_encode(), pa.string(), ["a", None, None]),
        (pa.array([1, None], pa.uint8()), pa.uint8(), [1, None]),
        (pa.array([None, None]), pa.null(), [None, None]),
    ],
)
def test_other_types_become_one_of_the_few(values, kind, expected):
    column = canonical(pa.table({"a": values}))["a"]
    assert column.type == kind
    assert column.to_pylist() == expected


def test_what_is_of_such_a_type_already_is_not_copied():
    table = pa.table({"a": [1.5, 2.0], "b": ["x", "y"]})
    assert canonical(table)["b"].chunk(0).buffers()[2].address == (
        table["b"].chunk(0).buffers()[2].address
    )


def test_what_a_file_says_beside_the_type_is_forgotten():
    strict = pa.schema([pa.field("a", pa.int64(), nullable=False, metadata={"x": "y"})])
    table = canonical(pa.table({"a": [1]}, schema=strict))
    assert table.schema == pa.schema([("a", pa.int64())])
    assert pa.concat_tables([table, canonical(pa.table({"a": [2]}))]).num_rows == 2


def test_mixed_objects_of_a_frame_are_texts():
    frame = pd.DataFrame({"a": [1, "x", None], "b": pd.Categorical(["u", "v", "u"]), 3: 1.5})
    table = from_frame(frame)
    assert table["a"].to_pylist() == ["1", "x", None]
    assert table["b"].to_pylist() == ["u", "v", "u"]
    assert table.column_names == ["a", "b", "3"]
