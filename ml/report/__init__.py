"""The report of a run: one HTML page that holds all it shows, opens offline and can be mailed.

:mod:`~ml.report.page` is the page itself, :mod:`~ml.report.elements` what a section is made of,
:mod:`~ml.report.training`, :mod:`~ml.report.predictions` and :mod:`~ml.report.provenance` are its
sections.
"""

from ml.report.pages import failure_page, run_page, training_page

__all__ = ["failure_page", "run_page", "training_page"]
