import itertools
import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from ml.runtime import memory
from ml.runtime.errors import UserError
from ml.tabular.conforming import conform, conform_target
from ml.tabular.preparation import category_inputs, preprocessor
from ml.tabular.preparation.number_inputs import date_parts
from ml.tabular.preparation.preprocessor import Preprocessor, fit_preprocessor
from ml.tabular.preparation.scaling import LINEAR_TO, MedianScaler
from ml.tabular.preparation.text_inputs import MAX_INPUTS, MAX_PIECES, TextInputs
from ml.tabular.schema import Column, Schema

WORDS = ("red", "blue", "table", "chair", "größe", "日本", "a")
CLASSES = {"regression": [], "binary": ["no", "yes"], "multiclass": ["a", "b", "c"]}


def schema_of(kinds, problem="regression"):
    return Schema(
        name="x",
        target="t",
        kind=problem,
        classes=CLASSES[problem],
        columns=[Column(name=name, kind=kind) for name, kind in kinds.items()],
        rows=0,
    )


def table(kinds, rows, seed, problem="regression", missing=0.2):
    """Random rows; a column's name says how its values are spread."""
    random = np.random.default_rng(seed)
    frame = {}
    for name, kind in kinds.items():
        if kind == "numeric":
            values = random.normal(size=rows) * 10.0 ** random.integers(-9, 9)
        elif kind == "datetime":
            values = pd.Timestamp("2020-01-01") + pd.to_timedelta(
                random.integers(0, 10**8, rows), unit="s"
            )
        elif kind == "category":
            values = [f"v{number}" for number in random.integers(0, 3 + seed % 60, rows)]
        else:
            values = [" ".join(random.choice(WORDS, random.integers(0, 5))) for _ in range(rows)]
        frame[name] = pd.Series(values, dtype=object if kind in ("category", "text") else None)
        frame[name] = frame[name].mask(random.random(rows) < missing)
    classes = CLASSES[problem]
    target = random.choice(classes, rows) if classes else random.normal(size=rows)
    return pd.DataFrame({**frame, "t": target})


def inputs(fitted, frame, schema):
    return fitted.transform(conform(frame, schema, "rows"))


kinds_of_columns = some.lists(
    some.sampled_from(["numeric", "category", "datetime", "text"]), min_size=1, max_size=6
).map(lambda kinds: {f"{kind} {place}": kind for place, kind in enumerate(kinds)})


@given(
    kinds=kinds_of_columns,
    problem=some.sampled_from(sorted(CLASSES)),
    rows=some.integers(20, 90),
    seed=some.integers(0, 1000),
    missing=some.sampled_from([0.0, 0.3, 0.95, 1.0]),
    cuts=some.lists(some.integers(0, 60), max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_any_columns_give_the_same_finite_inputs_in_any_chunks(
    kinds, problem, rows, seed, missing, cuts
):
    schema = schema_of(kinds, problem)
    train = table(kinds, rows, seed, problem, missing)
    # other rows: other values, other gaps
    frame = table(kinds, 60, seed + 1, problem, 0.1)
    fitted = fit_preprocessor(train, schema)
    whole = inputs(fitted, frame, schema)
    assert whole.shape == (60, len(fitted.names_))
    assert whole.dtype == np.float64
    assert np.isfinite(whole).all()
    assert set(fitted.origins_) <= set(kinds)
    edges = [0, *sorted(cuts), 60]
    pieces = [
        inputs(fitted, frame.iloc[start:end], schema) for start, end in itertools.pairwise(edges)
    ]
    np.testing.assert_array_equal(np.vstack(pieces), whole)
    single = np.vstack([inputs(fitted, frame.iloc[[row]], schema) for row in (0, 17, 59)])
    np.testing.assert_array_equal(single, whole[[0, 17, 59]])
    again = pickle.loads(pickle.dumps(fit_preprocessor(train, schema)))
    np.testing.assert_array_equal(inputs(again, frame, schema), whole)


MIXED = {
    "size": "numeric",
    "rooms": "numeric",
    "sold": "datetime",
    "city": "category",
    "street": "category",
    "note": "text",
}


@pytest.fixture(params=sorted(CLASSES))
def mixed(request):
    schema = schema_of(MIXED, request.param)
    frame = table(MIXED, 600, 57, request.param)
    frame["city"] = frame["city"].map(lambda text: text if pd.isna(text) else f"c{text[-1:]}")
    return frame, schema


def test_each_input_says_which_column_it_comes_from(mixed):
    frame, schema = mixed
    fitted = fit_preprocessor(frame, schema)
    assert len(fitted.names_) == len(set(fitted.names_)) == len(fitted.origins_)
    assert set(fitted.origins_) == set(MIXED)
    assert "sold weekday" in fitted.names_
    assert "city = (missing)" in fitted.names_
    street = [name for name in fitted.names_ if name.startswith("street")]
    several = ["street: a", "street: b", "street: c"]
    assert street == (several if schema.kind == "multiclass" else ["street"])
    treated = fitted.treatment().set_index("column")
    assert treated["inputs"].sum() == len(fitted.names_)
    assert treated.loc["street", "treated"].startswith("mean of the target")


def test_rows_with_nothing_in_them_are_finite(mixed):
    frame, schema = mixed
    fitted = fit_preprocessor(frame, schema)
    nothing = frame.head(3).copy()
    nothing[list(MIXED)] = None
    assert np.isfinite(inputs(fitted, nothing, schema)).all()


def test_what_training_has_not_counts_as_rare(mixed):
    frame, schema = mixed
    frame.loc[:9, "city"] = [f"village {number}" for number in range(10)]
    fitted = fit_preprocessor(frame, schema)
    rows = frame.head(2).copy()
    rows["city"] = ["village 3", "never seen"]
    rows["street"] = ["never seen", "neither"]
    rows[["size", "rooms", "sold", "note"]] = None
    found = inputs(fitted, rows, schema)
    np.testing.assert_array_equal(found[0], found[1])
    assert found[0, fitted.names_.index("city = (other)")] == 1.0


def test_cross_fitting_tells_no_row_its_own_target():
    random = np.random.default_rng(0)
    schema = schema_of({"key": "category"})
    frame = pd.DataFrame({"key": [f"k{number // 2}" for number in range(400)]})
    frame["t"] = random.normal(size=400)
    features, target = conform(frame, schema, "x"), conform_target(frame["t"], schema, "x")
    fitted = Preprocessor(schema).fit(features, target)
    told = np.corrcoef(fitted.transform(features)[:, 0], target)[0, 1]
    fair = np.corrcoef(fitted.transform_training(features, target)[:, 0], target)[0, 1]
    assert told > 0.3
    assert fair < 0.1


def test_training_inputs_are_those_of_other_rows_but_for_the_target(mixed):
    frame, schema = mixed
    features = conform(frame, schema, "x")
    target = conform_target(frame["t"], schema, "x")
    fitted = Preprocessor(schema).fit(features, target)
    plain, training = fitted.transform(features), fitted.transform_training(features, target)
    same = [origin != "street" for origin in fitted.origins_]
    np.testing.assert_array_equal(plain[:, same], training[:, same])
    assert (plain != training)[:, ~np.array(same)].any()
    np.testing.assert_array_equal(Preprocessor(schema).fit_transform(features, target), training)


def test_how_a_categorical_is_coded_does_not_matter(mixed):
    frame, schema = mixed
    other = frame.copy()
    for name in ("city", "street", "note"):
        texts = sorted(frame[name].dropna().unique(), reverse=True)
        other[name] = pd.Categorical(frame[name], categories=["unused", *texts])
    first, second = (fit_preprocessor(one, schema) for one in (frame, other))
    assert first.names_ == second.names_
    np.testing.assert_array_equal(inputs(first, frame, schema), inputs(second, other, schema))


def test_a_preprocessor_is_the_same_however_many_threads_there_are(mixed):
    from threadpoolctl import threadpool_limits

    frame, schema = mixed
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(pickle.dumps(fit_preprocessor(frame, schema)))
    assert found[0] == found[1]


def test_many_classes_do_not_multiply_the_inputs(monkeypatch):
    labels = [f"class {number:02}" for number in range(12)]
    schema = schema_of({"street": "category"}).model_copy(
        update={"kind": "multiclass", "classes": labels}
    )
    frame = pd.DataFrame({"street": [f"s{n % 90}" for n in range(720)], "t": labels * 60})
    fitted = fit_preprocessor(frame, schema)
    assert len(fitted.names_) == category_inputs.MAX_ONE_HOT + 1
    assert fitted.names_[-1] != fitted.names_[0]


def test_a_class_of_one_row_is_encoded_without_a_warning():
    schema = schema_of({"street": "category"}, "multiclass")
    frame = pd.DataFrame({"street": [f"s{n % 40}" for n in range(200)]})
    frame["t"] = ["a", *["b"] * 100, *["c"] * 99]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fit_preprocessor(frame, schema)
    assert fitted.names_ == ["street: a", "street: b", "street: c"]


def test_texts_that_are_spelled_a_little_differently_lie_together():
    random = np.random.default_rng(0)
    schema = schema_of({"note": "text"})
    topics = [("oak table", "wooden chair"), ("steel pump", "brass valve")]
    texts = [" ".join(random.permutation(topics[n % 2])) for n in range(300)]
    frame = pd.DataFrame({"note": texts, "t": random.normal(size=300)})
    fitted = fit_preprocessor(frame, schema)
    rows = pd.DataFrame({"note": ["oak tables", "oak tabel", "brass valves", "", None]})
    found = inputs(fitted, rows, schema)
    near, far = (np.linalg.norm(found[0] - found[place]) for place in (1, 2))
    assert near < far / 2
    assert (found[3] == found[4]).all()


@given(
    texts=some.lists(some.text("aAbcé日 \t1", max_size=12), min_size=2, max_size=20),
    new=some.lists(some.text(max_size=12), max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_texts_lie_where_scikit_learn_has_them(texts, new):
    texts = ["abc bcd", "bcd 1", *texts]
    fitted = TextInputs().fit(pd.DataFrame({"note": pd.Categorical(texts)}))
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), max_features=MAX_PIECES)
    weights = pieces.fit_transform(texts)
    svd = TruncatedSVD(
        min(MAX_INPUTS, min(weights.shape) - 1), n_iter=7, random_state=0, algorithm="randomized"
    ).fit(weights)
    rows = [*texts, *(" ".join(text.split()) for text in new)]
    expected = svd.transform(pieces.transform(rows))[:, : fitted.size_]
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    far = lengths[:, 0] > 1e-3
    found = fitted.placed(pa.array(rows, type=pa.large_string()))
    np.testing.assert_allclose(found[far], expected[far] / lengths[far], atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found[far], axis=1), 1.0)


@pytest.mark.parametrize("texts", [["same words"] * 40, ["  "] * 40, [None] * 40, ["x"] * 40])
def test_texts_that_tell_nothing_are_no_inputs(texts):
    schema = schema_of({"note": "text", "size": "numeric"})
    frame = pd.DataFrame({"note": texts, "size": range(40), "t": range(40)})
    fitted = fit_preprocessor(frame, schema)
    new = pd.DataFrame({"note": ["new words", None], "size": [1, 2]})
    assert np.isfinite(inputs(fitted, new, schema)).all()


def test_outliers_stay_in_order_and_do_not_set_the_scale():
    values = np.append(np.arange(-500.0, 501.0), [1e5, 1e300, -1e308])[:, np.newaxis]
    scaled = MedianScaler().fit_transform(values)
    assert np.isfinite(scaled).all()
    np.testing.assert_array_equal(np.argsort(scaled[:, 0]), np.argsort(values[:, 0]))
    ordinary = scaled[:1001, 0]
    np.testing.assert_allclose(np.diff(ordinary), np.diff(ordinary)[0])
    assert 0.9 < ordinary.std() < 1.1
    assert LINEAR_TO < scaled[1001, 0] < 20


@pytest.mark.parametrize("values", [[0.0] * 90 + [1e6] * 10, [0.0, 1.0], [3.0] * 5, [np.nan] * 5])
def test_columns_of_few_values_are_scaled(values):
    column = np.array(values)[:, np.newaxis]
    scaled = MedianScaler().fit_transform(column)
    assert np.isfinite(scaled).all()
    assert np.ptp(scaled) < 10


def test_what_does_not_vary_in_training_is_not_blown_up():
    scaler = MedianScaler().fit(np.full((50, 1), 0.1))
    found = scaler.transform(np.array([[0.1], [0.3]]))
    np.testing.assert_allclose(found, [[0.0], [0.2]])


def test_parts_of_dates_are_those_of_the_calendar():
    moments = pd.Series(
        pd.to_datetime(
            ["1969-12-31T23:00", "1970-01-01", "2024-02-29T12:30", "2026-11-23"], format="ISO8601"
        )
    )
    days = (moments - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86400
    at = moments.dt
    expected = np.column_stack(
        [days, at.year, at.month, at.day_of_year, at.day_of_week, at.hour + at.minute / 60]
    )
    np.testing.assert_array_equal(date_parts(days), expected)


def test_parts_that_do_not_vary_are_no_inputs():
    schema = schema_of({"on": "datetime"})
    frame = pd.DataFrame({"on": pd.date_range("2026-03-01", periods=30), "t": range(30)})
    names = fit_preprocessor(frame, schema).names_
    assert names == ["on", "on day of year", "on weekday"]


def test_inputs_that_the_memory_will_not_hold_are_refused_before(monkeypatch, mixed):
    frame, schema = mixed
    fitted = fit_preprocessor(frame, schema)
    monkeypatch.setattr(preprocessor, "_WORTH_ASKING", 1000)
    monkeypatch.setattr(memory, "available", lambda root=None: 5000)
    with pytest.raises(UserError, match=r"a matrix of 600 rows and \d+ inputs needs about"):
        inputs(fitted, frame, schema)


def test_a_wide_table_is_filled_a_few_rows_at_a_time(monkeypatch, mixed):
    frame, schema = mixed
    fitted = fit_preprocessor(frame, schema)
    whole = inputs(fitted, frame, schema)
    monkeypatch.setattr(preprocessor, "CHUNK_ROWS", 7)
    np.testing.assert_array_equal(inputs(fitted, frame, schema), whole)
