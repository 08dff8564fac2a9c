#!/bin/sh
set -eu
systemctl is-enabled fleet-server.service fleet-server-backup.timer
echo "$(systemctl show --property User --value fleet-server) $(systemctl show --property Type --value fleet-server)"
before=$(systemctl show --property MainPID --value fleet-server)
systemctl kill --signal KILL fleet-server
# It tells systemd when it answers again.
for _ in $(seq 60); do
    now=$(systemctl show --property MainPID --value fleet-server)
    if systemctl --quiet is-active fleet-server && [ "$now" != "$before" ]; then
        echo 'started again'
        break
    fi
    sleep 1
done
systemctl start fleet-server-backup.service
cd /var/lib/fleet-server
stat --format '%a %U:%G %n' /var/lib/fleet-server /var/lib/fleet-server/clearml.conf /var/lib/fleet-server/fleet.db
stat --format '%a %U:%G %n' /var/backups/fleet-server
cd "$(find /var/backups/fleet-server -mindepth 1 -maxdepth 1 | sort | tail -n 1)"
stat --format '%a %U:%G %n' clearml.conf fleet.db
python3 - << 'PYTHON'
import sqlite3
copy = sqlite3.connect("fleet.db")
print(copy.execute("PRAGMA integrity_check").fetchone()[0], end=", ")
print(copy.execute("SELECT count(*) FROM tasks").fetchone()[0], "tasks")
PYTHON
