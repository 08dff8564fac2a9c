"""The pages of docs/ that nobody writes by hand: they are made from queues.yml and its model."""

from __future__ import annotations

from pathlib import Path

from fleet.explain.fleetmap import explain_map
from fleet.explain.keys import keys_page
from fleet.explain.markdown import markdown_table
from fleet.paths import REPOSITORY
from fleet.spec import Spec

DOCS = REPOSITORY / "docs"
_MADE = "<!-- Made by `make generate` from {source}: do not edit. A test keeps it current. -->\n"


def pages(spec: Spec) -> dict[str, str]:
    """Name of a page in docs/ → its text."""
    return {
        "map.md": _MADE.format(source="queues.yml") + map_page(spec),
        "queues-yml.md": _MADE.format(source="fleet/spec/models.py") + keys_page(),
    }


def write_pages(spec: Spec, folder: Path = DOCS) -> list[Path]:
    """Write the pages that are not current; the paths of those that were written."""
    written = []
    for name, text in pages(spec).items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def map_page(spec: Spec) -> str:
    """docs/map.md: which work runs where."""
    answer = explain_map(spec)
    steps, queues, groups = (markdown_table(table) for table in answer.tables)
    policy = "".join(f"- {sentence}\n" for sentence in answer.sentences)
    return (
        "\n# Which work runs where\n\n"
        "The same on the command line: `fleet explain map`. One queue, phase or node, and why:\n"
        "`fleet explain queue NAME`, `fleet explain phase NAME`, `fleet explain node NAME`.\n\n"
        f"## Steps\n\n{steps}\n"
        "A run sends a step to the first queue of its phase that offers what the step asks for;\n"
        "where none does, to the first queue.\n\n"
        f"## Queues\n\nThe agents of a group take from its queues in turn: from the second only "
        f"when the first is empty.\n\n{queues}\n"
        f"## Node groups\n\n{groups}\n"
        f"## Policy\n\n{policy}\n"
        f"## Picture\n\n```mermaid\n{_diagram(spec)}```\n"
    )


def _diagram(spec: Spec) -> str:
    """Phases → queues → node groups, for viewers that draw Mermaid."""
    lines = ["flowchart LR"]
    for name, queue in spec.queues.items():
        group = queue.node_group
        lines += [f'  p_{_id(p)}["{p}"] --> q_{_id(name)}(["{name}"])' for p in queue.phases]
        lines.append(f'  q_{_id(name)} -->|"turn {_turn(spec, name)}"| g_{_id(group)}[["{group}"]]')
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    return name.replace("-", "_")


def _turn(spec: Spec, queue: str) -> int:
    return spec.queues_of_group(spec.queues[queue].node_group).index(queue) + 1
