import pytest

from ml.runtime.errors import UserError
from ml.tabular.learning import model_file
from ml.tabular.learning.fitting import fit
from ml.tabular.learning.model_file import check_made_with, load, made_with, save
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.splitting import split


@pytest.mark.parametrize(
    ("framework", "names"),
    [
        ("scikit-learn", set()),
        ("lightgbm", {"lightgbm"}),
        ("xgboost", {"xgboost"}),
        ("catboost", {"catboost"}),
        ("none such", set()),
    ],
)
def test_what_a_model_depends_on(framework, names):
    found = made_with(framework)
    assert set(found) == {"ml", "python", "numpy", "pandas", "scikit-learn"} | names
    check_made_with(found, "Input/run_id")


def test_another_version_is_refused_with_both_versions_and_the_way_out():
    found = {**made_with("lightgbm"), "lightgbm": "3.0.0", "python": "3.8"}
    with pytest.raises(UserError) as caught:
        check_made_with(found, "Input/run_id")
    error = caught.value
    here = made_with("lightgbm")
    assert f"lightgbm 3.0.0 (here {here['lightgbm']})" in error.what
    assert f"python 3.8 (here {here['python']})" in error.what
    assert "numpy" not in error.what
    assert error.failure_class == "dependency"
    assert error.where == "Input/run_id"
    assert "train it again" in error.mend
    assert "template version" in error.mend


def test_a_library_that_is_not_here_is_named():
    found = {**made_with("scikit-learn"), "no-such-library": "1.0"}
    with pytest.raises(UserError, match=r"no-such-library 1.0 \(here there is none\)"):
        check_made_with(found, "x")


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_model_that_does_not_say_is_refused(nothing):
    with pytest.raises(UserError, match="does not say what it was made with"):
        check_made_with(nothing, "x")


def test_the_device_a_library_was_built_for_does_not_matter(monkeypatch):
    here = {"torch": "2.13.0+cpu", "numpy": "1.0+cu130", "scikit-learn": "1"}
    monkeypatch.setattr(model_file, "_installed", lambda name: here.get(name, ""))
    found = {**made_with("pytorch"), "numpy": "1.0+cpu"}
    assert found["torch"] == "2.13.0+cpu"
    check_made_with(found, "x")
    # a network predicts without PyTorch
    del here["torch"]
    check_made_with(found, "x")


def test_nothing_is_opened_that_other_versions_made(builtin, tmp_path):
    frame, schema = builtin("diabetes")
    parts = split(frame, schema, 0.2, 0.2, seed=0)
    model_of = fit(parts, schema, fit_preprocessor(parts.train, schema), "ridge", ridge(), 0).model
    path = tmp_path / "model.joblib"
    save(model_of, path)
    again = load(path, model_of.made_with, "x")
    assert again.predict(parts.test, "test").equals(model_of.predict(parts.test, "test"))
    path.write_bytes(b"a pickle that must not be opened")
    with pytest.raises(UserError, match="was made with ml 0"):
        load(path, {**model_of.made_with, "ml": "0"}, "x")


def ridge():
    from ml.models.ridge import Parameters

    return Parameters()
