"""Starts the real clearml-agent so that SIGTERM drains it: nothing that runs is ever cut."""
