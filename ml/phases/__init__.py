"""One module per phase: its declaration, its parameters, and the adapter that runs it.

The catalogue of phases is read on machines that only start work, so these modules import nothing
heavy at their top: an adapter imports the work (:mod:`ml.tabular`) when it runs.
"""
