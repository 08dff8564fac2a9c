"""Templates: draft tasks that are only ever cloned, pinned to a commit and an image digest."""

from fleet.templates.content import Part, differing_parts, template_content
from fleet.templates.lookup import (
    find_all_templates,
    find_template,
    find_templates,
    phase_of_template,
)
from fleet.templates.publish import Published, publish
from fleet.templates.source import StepCode, committed_step_code, last_step_code

__all__ = [
    "Part",
    "Published",
    "StepCode",
    "committed_step_code",
    "differing_parts",
    "find_all_templates",
    "find_template",
    "find_templates",
    "last_step_code",
    "phase_of_template",
    "publish",
    "template_content",
]
