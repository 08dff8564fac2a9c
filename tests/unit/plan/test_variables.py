"""Variables of a node: as YAML gives them and as INI does, and all that can be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.errors import FleetErrors
from fleet.plan import node_from_variables
from fleet.plan.variables import parse_node
from fleet.spec import Problem


def _node(**variables):
    return node_from_variables("gpu-1", ["gpu_nodes"], variables)


@pytest.mark.parametrize(
    ("given_layout", "expected"),
    [
        ({0: ["3g.40gb", "4g.40gb"]}, {0: ("3g.40gb", "4g.40gb")}),
        ({"1": ["1g.5gb+me"]}, {1: ("1g.5gb+me",)}),
        ("{1: [1g.10gb, 1g.10gb]}", {1: ("1g.10gb", "1g.10gb")}),
        ({"all": ["7g.80gb"], 1: []}, {0: ("7g.80gb",)}),
        ({"all": ["7g.80gb"], "0": ["3g.40gb"]}, {0: ("3g.40gb",), 1: ("7g.80gb",)}),
        ({0: "1g.24gb+gfx"}, {0: ("1g.24gb+gfx",)}),
        ({}, {}),
        (None, {}),
    ],
)
def test_a_layout_names_the_profiles_of_gpus(given_layout, expected):
    assert _node(fleet_gpus=2, fleet_mig=given_layout).mig == expected


@pytest.mark.parametrize(
    "profile", ["3g.40", "g.5gb", "8g.80gb", "5g.40gb", "1c.3g.40gb", "3g.40gb+", "MIG 1g.5gb", 3]
)
def test_what_is_no_profile_is_told(profile):
    with pytest.raises(Problem) as caught:
        _node(fleet_gpus=1, fleet_mig={0: [profile]})
    assert caught.value.rule == "mig-profile"


def test_all_of_a_node_s_problems_are_told_at_once():
    with pytest.raises(FleetErrors) as caught:
        _node(fleet_gpus="x", fleet_slots=-1, fleet_mig=3, fleet_disabled=[], fleet_gpu=1)
    assert [problem.rule for problem in caught.value.problems] == [
        *["bad-value"] * 4,
        "unknown-variable",
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "disabled in the inventory"),
        ("yes", "disabled in the inventory"),
        (1, "disabled in the inventory"),
        ("broken fan", "broken fan"),
        (False, ""),
        ("false", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_node_is_disabled_with_a_reason(value, reason):
    assert _node(fleet_disabled=value).disabled == reason


def test_overrides_are_of_groups():
    given_overrides = {"gpu_nodes": {"slots": "2", "gpus": 4, "limits": {"cpus": 2}}}
    override = _node(fleet_overrides=given_overrides).overrides["gpu_nodes"]
    assert (override.slots, override.gpus) == (2, 4)
    assert override.limits.cpus == 2


def test_what_is_declared_goes_before_what_was_found():
    found = {"gpus": 8, "mig": {"0": ["7g.80gb"]}}
    assert _node(fleet_found=found).gpus == 8
    assert _node(fleet_found=found).mig == {0: ("7g.80gb",)}
    declared = _node(fleet_found=found, fleet_gpus=2)
    assert (declared.gpus, declared.mig) == (2, {})
    layout = _node(fleet_found=found, fleet_mig={"all": ["3g.40gb"]}).mig
    assert layout == dict.fromkeys(range(8), ("3g.40gb",))
    assert _node().gpus is None


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("fleet_gpu", "fleet_gpus"),
        ("fleet_slot", "fleet_slots"),
        ("fleet_GPUS", "fleet_gpus"),
        ("fleet_override", "fleet_overrides"),
        ("fleet_disable", "fleet_disabled"),
        ("fleet_migs", "fleet_mig"),
        ("fleet_digest_file", "fleet_digests_file"),
    ],
)
def test_a_variable_that_is_nearly_one_is_told_with_that(variable, nearest):
    with pytest.raises(Problem) as caught:
        _node(**{variable: 1})
    assert f"write {nearest}" in caught.value.mend


@pytest.mark.parametrize("variable", ["fleet_local_x", "fleet_server_url", "fleet_rack", "gpus"])
def test_variables_of_one_s_own_are_free(variable):
    _node(**{variable: 1})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["0", "all", "slots", "gpus", "limits", "mig", "cpus", "image"])
            | st.integers(-1, 3)
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NAMES = (
    "fleet_gpus",
    "fleet_mig",
    "fleet_slots",
    "fleet_overrides",
    "fleet_disabled",
    "fleet_found",
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(NAMES), anything))
def test_no_value_breaks_the_reading(variables):
    node, findings = parse_node("gpu-1", ("gpu_nodes",), variables)
    assert node.gpus is None or 0 <= node.gpus <= 512
    assert all(finding.what and finding.mend for finding in findings)
    assert all(0 <= gpu < node.gpus for gpu in node.mig if node.gpus is not None)
