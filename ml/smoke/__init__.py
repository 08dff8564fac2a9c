"""The small real task that proves a slot: its agent runs it, and it checks what a step needs."""

#: The configuration object of a smoke task that says what each check found.
RESULTS_OBJECT = "smoke"
