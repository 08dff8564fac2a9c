"""Fitting one model, tuning it, and saying how good and how sure it is."""
