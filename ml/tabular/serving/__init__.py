"""Predicting new rows in any number, watching their drift, and looking for inputs."""
