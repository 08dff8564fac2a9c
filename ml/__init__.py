"""The step code that the fleet runs: a phase per module, and the runtime they share.

Nothing here imports :mod:`fleet`: a step runs on a node that has only this folder.
"""
