"""Templates: draft tasks that are only ever cloned, pinned to a commit and an image digest."""

from fleet.templates.lookup import find_template, find_templates, phase_of_template
from fleet.templates.publish import Published, publish
from fleet.templates.source import StepCode, committed_step_code

__all__ = [
    "Published",
    "StepCode",
    "committed_step_code",
    "find_template",
    "find_templates",
    "phase_of_template",
    "publish",
]
