"""The models there are: one module each, which declares ``MODEL``.

Like the phases, these modules import nothing heavy at their top.
"""
