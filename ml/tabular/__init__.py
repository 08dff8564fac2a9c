"""The work of the phases on tables: plain functions of data frames, which need no ClearML."""
