"""Dates that are written as texts."""

import datetime

import pyarrow as pa
import pytest

from ml.runtime.errors import DataError
from ml.tabular.data.dates import (
    FORMATS,
    ISO,
    find_format,
    other_reading,
    parse,
    shown,
    stray_date,
    two_formats,
)

MOMENT = datetime.datetime(2026, 11, 23, 10, 45, 30)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_found_and_read_again(name):
    moments = [MOMENT, MOMENT.replace(day=13)]
    texts = pa.array([f"{moment:{name}}" for moment in moments])
    found = find_format(texts)
    # May and such are the same long and short; November is not
    assert found == name
    read = parse(pa.chunked_array([texts]), found, "", "sold").to_pylist()
    assert [f"{moment:{name}}" for moment in read] == texts.to_pylist()


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["2026-11-23", "2026-11-24"], datetime.datetime(2026, 11, 23)),
        (["2026-11-23 10:45:30"], MOMENT),
        (["2026-11-23T10:45:30Z", "2026-11-24"], MOMENT),
        (["2026-11-23T19:45:30+09:00"], MOMENT),
        ([" 2026-11-23T10:45:30.5 "], MOMENT.replace(microsecond=500_000)),
    ],
)
def test_iso_dates_are_read_with_their_zone(texts, first):
    assert find_format(pa.array(texts)) == ISO
    assert parse(pa.chunked_array([texts]), ISO, "", "sold")[0].as_py() == first


@pytest.mark.parametrize(
    "texts",
    [
        ["AB-12345678"],
        ["23/11/2026", "unknown"],
        ["2026-02-30", "2026-01-01"],
        ["2026-13-01"],
        ["31/02/2026", "01/02/2026"],
        ["1.5", "2.25"],
        ["10:30", "11:00"],
        [],
    ],
)
def test_texts_that_are_not_all_dates_have_no_format(texts):
    assert find_format(pa.array(texts, pa.string())) is None


def test_days_that_could_be_months_are_known_to_be_doubtful():
    assert other_reading(pa.array(["01/02/2026", "03/04/2026"]), "%d/%m/%Y") == "%m/%d/%Y"
    assert other_reading(pa.array(["01/02/2026", "13/04/2026"]), "%d/%m/%Y") == ""
    assert other_reading(pa.array(["2026/01/02"]), "%Y/%m/%d") == ""


def test_two_formats_are_told_with_an_example_of_each():
    days = [f"2026-01-{day:02d}" for day in range(1, 29)]
    found = dict(two_formats(pa.array([*days, "13/02/2026", "14/02/2026"])))
    assert set(found) == {ISO, "%d/%m/%Y"}
    assert found["%d/%m/%Y"] in {"13/02/2026", "14/02/2026"}


def test_the_second_format_is_found_however_rare_it_is():
    days = [
        f"{year}-{month:02d}-{day:02d}"
        for year in range(1990, 2020)
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    assert dict(two_formats(pa.array([*days, "31.12.2020"])))["%d.%m.%Y"] == "31.12.2020"


def test_days_first_and_months_first_are_two_formats():
    found = two_formats(pa.array(["13/05/2026", "05/13/2026"]))
    assert sorted(name for name, _ in found) == ["%d/%m/%Y", "%m/%d/%Y"]


def test_a_text_among_dates_is_no_second_format():
    texts = pa.array([*(f"{day:02d}.11.2026" for day in range(1, 29)), "soon"])
    assert two_formats(texts) == []
    assert stray_date(texts) == "soon"
    assert stray_date(pa.array(["AB-1234567", "AB-1234568"])) == ""


def test_a_text_that_is_no_date_is_told_with_its_row():
    column = pa.chunked_array([["23/11/2026", None], ["soon"]])
    with pytest.raises(DataError, match=r"'soon' in data row 3, which is not a date as DD/MM/YYYY"):
        parse(column, "%d/%m/%Y", "", "sold")


def test_a_format_is_shown_as_people_write_it():
    assert shown("%d/%m/%Y %H:%M") == "DD/MM/YYYY hh:mm"
    assert shown(ISO) == "YYYY-MM-DD"
