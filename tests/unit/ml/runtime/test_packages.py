"""Which packages a phase may add."""

import dataclasses

import pytest

from ml.catalog import PHASES
from ml.runtime.errors import UserError
from ml.runtime.packages import check_packages, check_recorded


def phase(*packages):
    return dataclasses.replace(PHASES["training"], packages=packages)


@pytest.mark.parametrize(
    "package",
    ["umap-learn", "umap-learn>=0.5", "umap-learn==0.5.*", "umap-learn~=0.5.7", "umap-learn==",
     "umap-learn==0.5.7,<1", "-r other.txt", "git+https://host/repo", "a==1 --index-url=x", ""],
)  # fmt: skip
@pytest.mark.parametrize("environment", ["strict", "extended"])
def test_a_package_that_is_not_pinned_is_always_refused(package, environment):
    with pytest.raises(UserError, match="not pinned") as caught:
        check_packages(phase("numpy==2.0.0", package), environment)
    assert caught.value.failure_class == "dependency"


@pytest.mark.parametrize("package", ["umap-learn==0.5.7", "torch==2.9.0+cpu", "a==1!2.0rc1"])
def test_a_pinned_package_is_allowed_in_an_extended_environment_alone(package):
    assert check_packages(phase(package), "extended") is None
    with pytest.raises(UserError, match="environment is strict") as caught:
        check_packages(phase(package), "strict")
    assert "environment: extended" in caught.value.mend


def test_the_phases_that_there_are_may_be_published_in_a_strict_environment():
    for one in PHASES.values():
        assert check_packages(one, "strict") is None


@pytest.mark.parametrize(
    ("recorded", "declared"),
    [
        (["a==2"], ("a==1",)),
        (["--index-url=http://else", "a==1"], ("a==1",)),
        ([], ("a==1",)),
        (["a==1"], ()),
        (["a"], ("a",)),
    ],
)
def test_only_what_the_code_declares_is_ever_added(recorded, declared):
    with pytest.raises(UserError) as caught:
        check_recorded(phase(*declared), recorded, "extended", "task t1")
    assert caught.value.failure_class == "dependency"
    assert check_recorded(phase("a==1"), ["a==1"], "extended") is None
