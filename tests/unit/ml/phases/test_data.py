"""Registering and editing a data set, as a person does it on a laptop."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest

from ml.runtime.entry import main


def run(phase, out, **fields):
    arguments = [phase, "--out", str(out)]
    for path, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value)
        arguments += ["--set", f"{path.replace('__', '/')}={text}"]
    return main(arguments)


def register(out, source, target="price", **fields):
    return run("data-registration", out, Data__source=str(source), Data__target=target, **fields)


def read(folder, name):
    return json.loads((folder / "dataset" / f"{name}.json").read_text())


def kinds(folder):
    return {one["name"]: one["kind"] for one in read(folder, "schema")["columns"]}


@pytest.fixture
def flats(tmp_path):
    """A CSV as people write them: an id, a postcode, dates their way, notes, a constant."""
    random = np.random.default_rng(0)
    rows = 60
    size = random.normal(50, 10, rows).round(1)
    frame = pd.DataFrame(
        {
            "flat_id": random.permutation(rows) + 1000,
            "zip": [f"0{1000 + number % 7}" for number in range(rows)],
            "size": size,
            "sold": pd.date_range("2026-01-25", periods=rows).strftime("%d/%m/%Y"),
            "notes": [f"a flat by the sea, number {number}" for number in range(rows)],
            "country": "NO",
            "price": (size * 3).round(1),
        }
    )
    frame.loc[::9, "size"] = None
    path = tmp_path / "flats.csv"
    frame.to_csv(path, index=False)
    return path


def test_types_are_inferred_shown_and_stored(flats, tmp_path, capsys):
    out = tmp_path / "out"
    assert register(out, flats) == 0
    assert kinds(out) == {"zip": "category", "size": "numeric", "sold": "datetime", "notes": "text"}
    schema = read(out, "schema")
    assert {one["name"]: one["why"] for one in schema["left_out"]} == {
        "flat_id": "an id: named as one, and different in each row",
        "country": "constant: always NO",
    }
    assert next(one for one in schema["columns"] if one["name"] == "sold")["format"] == "%d/%m/%Y"
    stored = pd.read_parquet(out / "dataset" / "data.parquet")
    assert stored["sold"].iloc[0] == datetime.datetime(2026, 1, 25)
    assert stored["zip"].iloc[0] == "01000"

    printed = capsys.readouterr().out
    assert "note: flat_id is left out: an id" in printed
    assert "note: sold: dates written as DD/MM/YYYY" in printed
    profile = {row["column"]: row for row in read(out, "profile")}
    assert profile["size"]["missing"] == 7
    assert profile["country"]["kind"] == "left out"
    assert profile["sold"]["examples"].startswith("2026-01-25, 2026-01-26")
    assert {path.name for path in out.glob("plot-*")} == {
        "plot-missing-values.json",
        "plot-target.json",
    }


def test_what_is_inferred_can_be_overridden(flats, tmp_path, capsys):
    out = tmp_path / "out"
    types = {"flat_id": "category", "zip": "numeric", "sold": "text", "notes": "ignore"}
    assert register(out, flats, Data__types=types) == 0
    assert kinds(out) == {
        "flat_id": "category",
        "zip": "numeric",
        "size": "numeric",
        "sold": "text",
    }
    assert read(out, "edits")["types"] == types
    capsys.readouterr()


def test_nothing_missing_needs_no_plot_of_it(tmp_path, capsys):
    assert run("data-registration", tmp_path / "out", Data__source="builtin:iris") == 0
    assert not (tmp_path / "out" / "plot-missing-values.json").exists()
    capsys.readouterr()


def test_a_text_among_a_features_numbers_is_noted(tmp_path, capsys):
    source = tmp_path / "data.csv"
    source.write_text("a,t\n" + "".join(f"{n},{n * 1.5}\n" for n in range(40)) + "n.a.,1\n")
    assert register(tmp_path / "out", source, "t") == 0
    assert "note: a: taken as a category, for it holds 'n.a.' in data row 41 (1 of 41 values)" in (
        capsys.readouterr().out
    )


def test_several_files_become_one_data_set(flats, tmp_path, capsys):
    frame = pd.read_csv(flats, dtype={"zip": str})
    frame.head(30).to_csv(tmp_path / "part-1.csv", index=False)
    frame.tail(30)[frame.columns[::-1]].to_parquet(tmp_path / "part-2.parquet")
    assert register(tmp_path / "whole", flats) == 0
    assert register(tmp_path / "parts", tmp_path / "part-*") == 0
    assert "60 rows of 2 files" in capsys.readouterr().out
    assert read(tmp_path / "parts", "schema")["hash"] == read(tmp_path / "whole", "schema")["hash"]


def test_a_registered_data_set_may_be_a_source(flats, tmp_path, capsys):
    assert register(tmp_path / "one", flats) == 0
    assert register(tmp_path / "two", f"dataset:{tmp_path / 'one'}") == 0
    assert read(tmp_path / "two", "schema")["hash"] == read(tmp_path / "one", "schema")["hash"]
    capsys.readouterr()


STEPS = [
    {"do": "filter", "column": "size", "is": "there"},
    {"do": "derive", "column": "month", "part": "month", "of": "sold"},
    {"do": "rename", "columns": {"price": "cost", "sold": "day"}},
    {"do": "drop", "columns": ["notes", "country"]},
]


def test_edits_make_a_new_data_set_and_keep_its_parent(flats, tmp_path, capsys):
    parent, out = tmp_path / "parent", tmp_path / "edited"
    assert register(parent, flats, Data__types={"flat_id": "category"}) == 0
    before = (parent / "dataset" / "data.parquet").read_bytes()
    assert run("data-editing", out, Input__dataset_id=str(parent), Edit__steps=STEPS) == 0
    printed = capsys.readouterr().out
    assert "step 1, filter: 60 → 53 rows, 7 → 7 columns" in printed
    assert "step 4, drop: 53 → 53 rows, 8 → 6 columns" in printed
    assert "or bring these columns as the steps leave them: month, day" in printed

    assert (parent / "dataset" / "data.parquet").read_bytes() == before
    assert kinds(out) == {
        "flat_id": "category",
        "zip": "category",
        "size": "numeric",
        "day": "datetime",
        "month": "numeric",
    }
    schema = read(out, "schema")
    assert (schema["target"], schema["rows"]) == ("cost", 53)
    # files that come later still write their dates so
    assert next(one for one in schema["columns"] if one["name"] == "day")["format"] == "%d/%m/%Y"
    record = json.loads((out / "step.json").read_text())
    assert record["parent_dataset"] == str(parent)
    assert record["properties"]["dataset_id"] == str(out / "dataset")


def test_what_is_filled_from_all_rows_is_noted(flats, tmp_path, capsys):
    parent = tmp_path / "parent"
    assert register(parent, flats) == 0
    fixed = {"do": "fill", "column": "notes", "value": "none"}
    for steps, noted in (
        ([{"do": "fill", "column": "size", "by": "median"}, fixed], "size by median;"),
        ([fixed], ""),
    ):
        capsys.readouterr()
        out = tmp_path / str(len(steps))
        assert run("data-editing", out, Input__dataset_id=str(parent), Edit__steps=steps) == 0
        printed = capsys.readouterr().out
        note = "note: filled with what all rows tell, those of a later test part too: "
        assert (note + noted in printed) if noted else (note not in printed)


def test_edits_can_be_replayed_from_the_first_file(flats, tmp_path, capsys):
    parent, once, twice = (tmp_path / name for name in ("parent", "once", "twice"))
    assert register(parent, flats) == 0
    assert run("data-editing", once, Input__dataset_id=str(parent), Edit__steps=STEPS[:2]) == 0
    assert run("data-editing", twice, Input__dataset_id=str(once), Edit__steps=STEPS[2:]) == 0
    edits = read(twice, "edits")
    assert edits["edits"] == STEPS
    assert (edits["source"], edits["parent"]) == (str(flats), str(once))
    again = tmp_path / "again"
    assert run("data-editing", again, Input__dataset_id=str(parent), Edit__steps=STEPS) == 0
    assert read(again, "schema") == read(twice, "schema")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"Edit__steps": "[{]"}, "is not JSON"),
        ({"Edit__steps": "{}"}, 'is not a JSON list such as [{"do"'),
        ({"Edit__steps": '[{"do": "drop", "do": "select"}]'}, "names 'do' twice"),
        ({"Edit__steps": []}, "there are no steps"),
        ({"Edit__steps": [{"do": "drop", "columns": ["sise"]}]}, "did you mean 'size'"),
        ({"Edit__steps": [{"do": "drop", "columns": ["price"]}]}, "leave out the target, price"),
        ({"Edit__steps": STEPS, "Edit__target": "prise"}, "there is no column 'prise'"),
        ({"Edit__steps": STEPS, "Input__dataset_id": "none"}, "there is no data set at 'none'"),
    ],
)
def test_what_cannot_be_edited_is_told_without_a_traceback(flats, tmp_path, capsys, fields, said):
    assert register(tmp_path / "parent", flats) == 0
    given = {"Input__dataset_id": str(tmp_path / "parent"), **fields}
    assert run("data-editing", tmp_path / "out", **given) == 1
    printed = capsys.readouterr().out
    assert said in printed
    assert "Traceback" not in printed


def test_another_target_may_be_chosen(flats, tmp_path, capsys):
    assert register(tmp_path / "parent", flats) == 0
    given = {"Edit__steps": STEPS[:1], "Edit__target": "size", "Edit__name": "sizes"}
    out = tmp_path / "out"
    assert run("data-editing", out, Input__dataset_id=str(tmp_path / "parent"), **given) == 0
    schema = read(out, "schema")
    assert (schema["target"], schema["name"], schema["kind"]) == ("size", "sizes", "regression")
    assert "price" in kinds(out)
    capsys.readouterr()


@pytest.mark.parametrize("phase", ["data-registration", "data-editing"])
def test_help_tells_what_to_write(phase, capsys):
    with pytest.raises(SystemExit):
        main([phase, "--help"])
    printed = capsys.readouterr().out
    for example in {
        "data-registration": ['{"zip": "category"', "/data/2026-*.csv", "cp932"],
        "data-editing": ['"do": "filter"', "drop_duplicates", '{"zip": "category"}'],
    }[phase]:
        assert example in printed
