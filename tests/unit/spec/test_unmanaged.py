import pytest

from fleet.spec import examine
from tests.own_contract import SPEC_TEXT


def rules(tmp_path, kind, pattern):
    file = tmp_path / "queues.yml"
    file.write_text(f"{SPEC_TEXT}\nunmanaged: {{{kind}: ['{pattern}']}}\n")
    _, problems = examine(file)
    return [problem.rule for problem in problems]


@pytest.mark.parametrize("kind", ["workers", "queues"])
@pytest.mark.parametrize("pattern", ["*", "**", "?*", "*?*", "???*", "[!x]*", "*[0-9a-z]*", "*-*"])
def test_a_pattern_that_fits_arbitrary_names_is_refused(tmp_path, kind, pattern):
    assert rules(tmp_path, kind, pattern) == ["unmanaged-everything"]


@pytest.mark.parametrize("pattern", ["*:*", "*:0", "?*:[0-9]", "*:"])
def test_so_is_one_of_workers_that_has_no_more_than_a_number(tmp_path, pattern):
    assert rules(tmp_path, "workers", pattern) == ["unmanaged-everything"]


@pytest.mark.parametrize("pattern", ["laptop-*", "*-laptop", "*:gpu0", "team[ab]*", "x:0", "?x"])
def test_one_that_says_whose_they_are_is_let_pass(tmp_path, pattern):
    assert rules(tmp_path, "workers", pattern) == []
