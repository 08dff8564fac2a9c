#!/bin/sh
# `fleet-agent state` and `fleet-agent smoke TASK`, for `docker exec`.
exec /opt/venv/bin/python3 -m fleet_agent.command "$@"
