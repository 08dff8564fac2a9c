"""Edits that are done again on later rows leave what they left of the data set."""

import json

import pandas as pd
import pyarrow as pa
import pytest

from ml.runtime.errors import DataError
from ml.tabular.conforming import BadValuesError, conform
from ml.tabular.data.arrow_types import from_frame
from ml.tabular.data.edit_steps import parse_steps
from ml.tabular.data.editing import Edited, edit
from ml.tabular.data.inspection import inspect
from ml.tabular.data.replaying import Replay, stage
from ml.tabular.data.table_files import open_file
from ml.tabular.serving.row_forms import edits_to_do, unused
from ml.tabular.serving.streaming import file_chunks

ROWS = 60


@pytest.fixture
def rows():
    count = range(ROWS)
    frame = pd.DataFrame(
        {
            "size": [20.5 + n * 1.7 for n in count],
            "rooms": [None if n % 11 == 0 else n % 5 for n in count],
            "floor": [n % 7 for n in count],
            "lift": [n % 3 == 0 for n in count],
            "rent": [f"€ {1 + n % 9}.{100 + n * 7 % 800},50" for n in count],
            "city": [["Oslo", " Kobe ", None, "LIMA"][n % 4] for n in count],
            "sold": pd.date_range("2021-01-30 08:00", periods=ROWS, freq="5h").astype(str),
            "code": [20210101 + n % 28 for n in count],
            "said": [f"it is {'quite ' * (n % 4)}near place {n}" for n in count],
            "price": [1000.0 + n * n % 97 for n in count],
        }
    )
    frame.loc[3, "sold"] = None
    return frame


class Made:
    """A data set that was edited: its values, its schema, and how later rows are edited."""

    def __init__(self, frame, *editings, target="price", kind="auto"):
        first = inspect(from_frame(frame), target, "flats", kind)
        now, types, stages = first, {}, []
        for steps in editings:
            formats = {one.name: f"datetime:{one.format}" for one in now.schema.columns}
            formats = {name: text for name, text in formats.items() if text != "datetime:"}
            start = Edited(now.table, now.schema.target, formats | types)
            edited = edit(start, parse_steps(list(steps), "Edit/steps"), "", lambda line: None)
            # as it is stored and read again
            stages.append(json.loads(json.dumps(stage(start, edited.done))))
            types = {one: text for one, text in edited.types.items() if one != edited.target}
            now = inspect(edited.table, edited.target, "flats", kind, types)
        self.stages, self.schema = stages, now.schema
        self.replay = Replay(stages, now.schema)
        self.features = conform(now.table.to_pandas(), now.schema, "")

    def replayed(self, frame):
        return conform(self.replay.apply(frame, "rows.csv"), self.schema, "rows.csv")


def equal(one, other):
    for name in other:
        if isinstance(other[name].dtype, pd.CategoricalDtype):
            assert one[name].astype(object).tolist() == pytest.approx(
                other[name].astype(object).tolist(), nan_ok=True
            )
        else:
            pd.testing.assert_series_equal(one[name], other[name], check_exact=True)
    assert list(one) == list(other)


EDITINGS = {
    "rename": [[{"do": "rename", "columns": {"size": " area ", "city": "town"}}]],
    "numbers in texts": [
        [
            {"do": "retype", "column": "rent", "to": "numeric", "remove": "€ .", "decimal": ","},
            {"do": "derive", "column": "per room", "formula": "rent / rooms"},
        ]
    ],
    "numbers as texts": [
        [
            {"do": "retype", "column": "size", "to": "category"},
            {"do": "retype", "column": "floor", "to": "category"},
            {"do": "retype", "column": "lift", "to": "category"},
            {"do": "retype", "column": "sold", "to": "category"},
            {"do": "derive", "column": "letters", "part": "length", "of": "size"},
        ]
    ],
    "whole numbers as dates": [
        [{"do": "retype", "column": "code", "to": "datetime", "format": "%Y%m%d"}]
    ],
    "fills": [
        [
            {"do": "fill", "column": "rooms", "by": "mean"},
            {"do": "fill", "column": "city", "by": "most_frequent"},
            {"do": "fill", "column": "sold", "by": "most_frequent"},
        ]
    ],
    "given fills": [
        [
            {"do": "fill", "column": "rooms", "value": 2},
            {"do": "fill", "column": "city", "value": "none"},
            {"do": "fill", "column": "sold", "value": "2021-02-01"},
        ]
    ],
    "formulas": [
        [
            {"do": "derive", "column": "ratio", "formula": "floor % rooms + log(floor)"},
            {"do": "derive", "column": "big", "formula": "size > 50 and city == 'Oslo'"},
            {"do": "derive", "column": "size", "formula": "size * 2 + lift"},
            {"do": "derive", "column": "both", "formula": "size * big"},
        ]
    ],
    "parts": [
        [
            {"do": "derive", "column": part, "part": part, "of": of}
            for of, parts in {
                "sold": ("month", "day", "weekday", "hour", "day of year", "days"),
                "said": ("length", "words"),
                "city": ("lower", "trim"),
            }.items()
            for part in parts
        ]
    ],
    "a name that is given again": [
        [
            {"do": "derive", "column": "ratio", "formula": "size / floor"},
            {"do": "drop", "columns": ["size"]},
            {"do": "rename", "columns": {"rooms": "size"}},
            {"do": "fill", "column": "size", "by": "median"},
            {"do": "select", "columns": ["size", "ratio", "price", "lift"]},
        ]
    ],
    "twice": [
        [
            {"do": "rename", "columns": {"floor": "floor_id", "rent": "fee"}},
            {"do": "drop", "columns": ["code"]},
        ],
        [
            {"do": "retype", "column": "fee", "to": "numeric", "remove": "€ .", "decimal": ","},
            {"do": "derive", "column": "digits", "part": "length", "of": "floor_id"},
            {"do": "derive", "column": "flat", "part": "upper", "of": "floor_id"},
            {"do": "fill", "column": "rooms", "by": "median"},
        ],
        [{"do": "rename", "columns": {"fee": "rent"}}],
    ],
}


@pytest.mark.parametrize("name", EDITINGS)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("size", [1000, 7])
def test_rows_come_out_as_the_data_set_did(rows, tmp_path, name, ending, size):
    made = Made(rows, *EDITINGS[name])
    path = tmp_path / f"rows.{ending}"
    rows.to_csv(path, index=False) if ending == "csv" else rows.to_parquet(path, index=False)
    file = open_file(path, path.name)
    replay = made.replay
    found = file_chunks([file], made.schema, size, truth=True, skip=False, edits=[replay])
    chunks = list(found)
    features = pd.concat([chunk.features.astype(object) for chunk in chunks])
    equal(features.astype(made.features.dtypes), made.features)
    truth = pd.concat([chunk.truth for chunk in chunks])
    assert truth.astype(float).tolist() == rows["price"].tolist()


@pytest.mark.parametrize("name", EDITINGS)
def test_no_rows_are_none_after_the_edits(rows, name):
    # such is what is left of a chunk whose rows were all skipped
    made = Made(rows, *EDITINGS[name])
    for nothing in (rows.head(0), pd.DataFrame(columns=list(rows))):
        assert made.replayed(nothing).shape == (0, len(made.schema.columns))


@pytest.mark.parametrize("name", EDITINGS)
def test_rows_without_any_value_can_be_edited(rows, name):
    made = Made(rows, *EDITINGS[name])
    empty = rows.head(2).assign(**dict.fromkeys(rows, None))
    assert made.replayed(empty).shape == (2, len(made.schema.columns))


def test_the_columns_that_matter_alone_are_asked_for(rows):
    made = Made(
        rows,
        [
            {"do": "fill", "column": "rooms", "by": "median"},
            {"do": "derive", "column": "ratio", "formula": "size / rooms"},
            {"do": "derive", "column": "unused", "formula": "floor * 2"},
            {"do": "select", "columns": ["ratio", "city", "price"]},
        ],
    )
    assert made.replay.columns == ["size", "rooms", "city"]
    assert made.replay.kinds(list(rows), truth=True) == {
        "size": "numeric",
        "rooms": "numeric",
        "city": "category",
        "price": "numeric",
    }
    assert unused(list(rows), made.schema, made.replay) == [
        "floor",
        "lift",
        "rent",
        "sold",
        "code",
        "said",
    ]
    without = rows.drop(columns=["floor", "price"])
    equal(made.replayed(without), made.features)


def test_the_target_is_edited_where_it_is_there(rows):
    made = Made(
        rows,
        [
            {"do": "rename", "columns": {"price": "cost", "size": "area"}},
            {"do": "derive", "column": "cost", "formula": "cost / 10"},
        ],
    )
    edited = made.replay.apply(rows, "rows.csv")
    assert edited["cost"].tolist() == (rows["price"] / 10).tolist()
    assert "cost" not in made.replay.apply(rows.drop(columns="price"), "rows.csv")
    # a truth that is none costs no prediction
    odd = rows.astype({"price": object})
    odd.loc[4, "price"] = "unknown"
    edited = made.replay.apply(odd, "rows.csv")
    assert pd.isna(edited["cost"][4])
    assert edited["cost"][5] == rows["price"][5] / 10


def test_a_class_under_another_name_is_read_as_a_text(rows, tmp_path):
    rows["good"] = [n % 2 for n in range(ROWS)]
    steps = [{"do": "rename", "columns": {"good": "fine", "size": "area"}}]
    made = Made(rows.drop(columns="price"), steps, target="good", kind="classification")
    assert made.schema.classes == ["0", "1"]
    rows.to_csv(tmp_path / "rows.csv", index=False)
    file = open_file(tmp_path / "rows.csv", "rows.csv")
    chunk = next(file_chunks([file], made.schema, 100, truth=True, skip=False, edits=[made.replay]))
    assert chunk.truth.astype(object).tolist() == [str(n % 2) for n in range(ROWS)]


def test_no_row_is_left_out_of_those_to_predict(rows):
    made = Made(
        rows,
        [
            {"do": "filter", "column": "floor", "is": ">", "value": 0},
            {"do": "drop_duplicates", "columns": ["code"]},
            {"do": "filter", "column": "size", "is": "there"},
        ],
    )
    assert made.replay.not_applied == ["filter", "drop_duplicates"]
    assert not made.replay.changes
    assert len(made.replayed(rows)) == ROWS
    assert edits_to_do(list(rows), made.schema, made.replay, "rows.csv") is None


def test_a_target_that_alone_was_edited_is_known_by_its_old_name(rows, tmp_path):
    made = Made(rows, [{"do": "rename", "columns": {"price": "cost"}}])
    assert edits_to_do(list(rows), made.schema, made.replay, "") is made.replay
    assert made.replay.apply(rows, "")["cost"].tolist() == rows["price"].tolist()
    equal(made.replayed(rows.drop(columns="price")), made.features)


def test_rows_with_all_features_are_edited_ones(rows):
    made = Made(rows, EDITINGS["numbers in texts"][0])
    edited = [*made.schema.features, "price"]
    assert edits_to_do(edited, made.schema, made.replay, "") is None
    assert edits_to_do(list(rows), made.schema, made.replay, "") is made.replay
    assert edits_to_do([*rows, "per room"], made.schema, made.replay, "") is None
    assert edits_to_do(edited, made.schema, None, "") is None


def test_where_names_tell_nothing_rows_are_taken_as_not_edited(rows):
    steps = [
        {"do": "retype", "column": "rent", "to": "numeric", "remove": "€ .", "decimal": ","},
        {"do": "fill", "column": "rooms", "by": "median"},
    ]
    made = Made(rows, steps)
    assert edits_to_do(list(rows), made.schema, made.replay, "") is made.replay
    # numbers are not taken for texts with points between their thousands
    again = made.replay.apply(rows.assign(rent=made.features["rent"]), "rows.parquet")
    equal(conform(again, made.schema, ""), made.features)


def test_missing_columns_are_named_both_ways(rows):
    made = Made(rows, EDITINGS["numbers in texts"][0])
    with pytest.raises(DataError) as caught:
        edits_to_do(["size", "rooms"], made.schema, made.replay, "rows.csv")
    assert "columns are missing: floor, lift, rent" in caught.value.what
    assert "before the data set was edited: floor, lift, rent" in caught.value.what
    assert "to have them edited, all of: size, rooms, floor" in caught.value.mend


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("rent", "on request", "column 'rent' holds 'on request', which is not a number"),
        ("rooms", "many", "column 'rooms' holds 'many', which is not a number"),
        ("sold", "soon", "column 'sold' holds 'soon', which is not a date"),
    ],
)
def test_a_value_that_is_none_such_is_named_with_its_row(rows, column, value, said):
    made = Made(
        rows,
        [
            *EDITINGS["numbers in texts"][0],
            {"do": "derive", "column": "month", "part": "month", "of": "sold"},
        ],
    )
    bad = rows.astype({column: object})
    bad.loc[[8, 20], column] = value
    with pytest.raises(BadValuesError) as caught:
        made.replay.apply(bad, "rows.csv")
    assert f"{said}" in caught.value.what
    assert "data row 9; 2 such rows" in caught.value.what
    assert caught.value.positions.tolist() == [8, 20]


def test_a_column_that_was_empty_takes_what_fills_it(rows):
    made = Made(rows.assign(spare=None), [{"do": "fill", "column": "spare", "value": 5}])
    assert "spare" not in made.schema.features
    table = pa.table({"spare": pa.nulls(ROWS), "price": rows["price"], "size": rows["size"]})
    start = Edited(table, "price", {})
    done = edit(start, parse_steps([{"do": "fill", "column": "spare", "value": 5}], ""), "", print)
    replay = Replay(
        [stage(start, done.done)],
        made.schema.model_copy(
            update={
                "columns": [
                    one.model_copy(update={"name": "spare"}) for one in made.schema.columns[:1]
                ]
            }
        ),
    )
    found = replay.apply(pd.DataFrame({"spare": [None, 7]}), "")
    assert found["spare"].astype(float).tolist() == [5, 7]
