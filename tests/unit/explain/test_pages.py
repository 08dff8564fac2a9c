from __future__ import annotations

import pytest
from pydantic import BaseModel

from fleet.explain import pages, write_pages
from fleet.explain.answer import Table
from fleet.explain.markdown import markdown_table
from fleet.paths import REPOSITORY
from fleet.spec import Spec, load
from tests.own_contract import SPEC

PAGES = pages(load())


@pytest.mark.parametrize("name", PAGES)
def test_the_generated_page_is_current(name):
    found = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    assert found == PAGES[name], f"docs/{name} is out of date: run `make generate`"


def test_pages_are_written_where_they_differ_and_only_there(tmp_path):
    assert {path.name for path in write_pages(SPEC, tmp_path)} == set(PAGES)
    assert write_pages(SPEC, tmp_path) == []
    (tmp_path / "map.md").write_text("edited")
    assert [path.name for path in write_pages(SPEC, tmp_path)] == ["map.md"]


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [model]
    for one in found:
        for info in one.model_fields.values():
            for inner in _types(info.annotation):
                if isinstance(inner, type) and issubclass(inner, BaseModel) and inner not in found:
                    found.append(inner)
    return found


def _types(annotation) -> list:
    inside = getattr(annotation, "__args__", ())
    return [annotation, *(one for arg in inside for one in _types(arg))]


def test_every_key_is_on_the_page_with_its_help():
    page = PAGES["queues-yml.md"]
    for model in _models(Spec):
        for key, info in model.model_fields.items():
            assert info.description, f"{model.__name__}.{key} has no help"
            assert f"| `{key}` |" in page
            assert info.description in page


def test_a_cell_never_breaks_the_table():
    table = markdown_table(Table(("a",), (("one | two\nthree",),)))
    assert table.splitlines()[2] == "| one \\| two three |"
