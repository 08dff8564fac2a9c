"""The embedded ClearML server: the API and the file store in one process over one SQLite file.

It is written against the request and response schemas of the ClearML SDK and the behaviour that
the SDK and the agent expect. `run.serve` starts it; `app` dispatches calls to `services`, one
module per API service, which work on the stores (`database`, `documents`, `queueing`, `workers`,
`events`) and know nothing of HTTP.
"""
