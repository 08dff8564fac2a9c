#!/bin/sh
# Well while a task runs, while another agent has the slot, and while the server has answered a
# poll within two minutes. Times are those since the node's boot: no clock can jump there.
state="${FLEET_AGENT_STATE:-/run/fleet-agent}"
if test -e "$state/busy" || test -e "$state/standing-by"; then exit 0; fi
read -r now _ < /proc/uptime
read -r polled < "$state/polled" 2> /dev/null || exit 1
test $((${now%.*} - polled)) -lt 120
