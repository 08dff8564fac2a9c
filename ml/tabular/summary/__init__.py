"""Comparing models, explaining the best one, and showing both."""
