"""The control tooling: the contract, the plan, templates, runs, the local fleet, the server."""
