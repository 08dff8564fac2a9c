import pytest

from ml.model_catalog import MODELS
from ml.runtime.errors import UserError
from ml.runtime.model import Choice, Model, ModelParameters, Range
from ml.tabular.learning.recipes import Recipe
from ml.tabular.learning.tuning import tune


class Parameters(ModelParameters):
    depth: int = 9
    rate: float = 0.5
    kind: str = "a"


MODEL = Model(
    name="tried",
    help="",
    accelerator="cpu",
    framework="x",
    parameters=Parameters,
    build=lambda *_: None,
    search={
        "depth": Range(1, 10),
        "rate": Range(0.001, 1.0, log=True),
        "kind": Choice(("a", "b")),
    },
)
RECIPE = Recipe(MODEL, Parameters(), seed=5)


def distance(recipe):
    own = recipe.parameters
    return abs(own.depth - 3) + abs(own.rate - 0.1) + (own.kind != "b")


def tuned(objective=distance, metric="rmse", **options):
    lines = []
    return tune(RECIPE, objective, metric, log=lines.append, **{"trials": 25, **options}), lines


def test_the_given_parameters_are_tried_first_and_better_ones_are_found():
    found, lines = tuned()
    first = found.trials.iloc[0]
    assert (first["depth"], first["rate"], first["kind"]) == (9, 0.5, "a")
    assert found.best < 2 < distance(RECIPE)
    assert found.best == distance(found.recipe) == found.trials["value"].min()
    assert found.stopped_by == "trials"
    assert [line.split(":")[0] for line in lines] == [
        "trial 10 of 25",
        "trial 20 of 25",
        "trial 25 of 25",
    ]


def test_a_metric_of_which_more_is_better_is_maximised():
    found, _ = tuned(lambda recipe: -distance(recipe), "r2")
    assert found.best == found.trials["value"].max()


def test_the_same_seed_tries_the_same():
    (first, _), (again, _) = tuned(), tuned()
    assert first.trials.drop(columns="seconds").equals(again.trials.drop(columns="seconds"))


def test_what_a_user_gave_stays():
    found, _ = tuned(fixed=["depth"])
    assert found.recipe.parameters.depth == 9
    assert "depth" not in found.trials
    with pytest.raises(UserError, match="each parameter is given"):
        tuned(fixed=["depth", "rate", "kind"])


def test_a_trial_that_fails_is_told_and_left_out():
    def objective(recipe):
        if recipe.parameters.kind == "b":
            raise ValueError("b is impossible")
        return distance(recipe)

    found, lines = tuned(objective)
    failed = found.trials[found.trials["value"].isna()]
    assert len(failed) > 0
    assert set(failed["kind"]) == {"b"}
    assert found.recipe.parameters.kind == "a"
    assert any("failed and is left out: ValueError: b is impossible" in line for line in lines)


def test_where_every_trial_fails_the_last_reason_is_told():
    def objective(recipe):
        raise ValueError("no way")

    with pytest.raises(UserError, match=r"each of the 3 trials failed, the last with: .*no way"):
        tuned(objective, trials=3)


def test_what_a_user_must_mend_ends_the_search_at_once():
    calls = []

    def objective(recipe):
        calls.append(recipe)
        raise UserError("there is no such thing")

    with pytest.raises(UserError, match="no such thing"):
        tuned(objective)
    assert len(calls) == 1


def test_the_time_may_end_it_first_and_that_is_said():
    found, lines = tuned(seconds=1e-9)
    assert found.stopped_by == "seconds"
    assert len(found.trials) == 1
    assert found.recipe.parameters == RECIPE.parameters
    assert "depends on how fast this node is" in lines[-1]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_defaults_of_each_model_lie_where_tuning_looks(model):
    given = model.parameters().model_dump()
    assert set(model.search) <= set(given)
    for name, place in model.search.items():
        if isinstance(place, Choice):
            assert given[name] in place.values
        else:
            assert place.low <= given[name] <= place.high


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_where_tuning_looks_is_allowed(model):
    for name, place in model.search.items():
        ends = place.values if isinstance(place, Choice) else (place.low, place.high)
        for end in ends:
            assert getattr(model.parameters(**{name: end}), name) == end
