import pytest

from ml.runtime.reporting import MAX_PLOTS, MAX_PROPERTY_LENGTH, PlotBudget, property_texts


def test_a_phase_has_few_plots():
    budget = PlotBudget("training")
    for number in range(MAX_PLOTS):
        budget.take(f"plot {number}")
    with pytest.raises(ValueError, match="more than"):
        budget.take("one more")


def test_a_plot_is_shown_once():
    budget = PlotBudget("training")
    budget.take("ROC")
    with pytest.raises(ValueError, match="'ROC' twice"):
        budget.take("ROC")


def test_properties_fit_a_cell():
    texts = property_texts({"score": 0.123456789, "rows": 10, "why": "a\n  b", "long": "x" * 999})
    assert texts["score"] == "0.123457"
    assert texts["rows"] == "10"
    assert texts["why"] == "a b"
    assert len(texts["long"]) == MAX_PROPERTY_LENGTH
