"""Runs in a task's container: the real `clearml_agent execute`, without what makes it slow."""
