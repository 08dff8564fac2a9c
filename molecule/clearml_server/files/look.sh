#!/bin/sh
set -u
systemctl is-enabled clearml-server-backup.timer
systemd-analyze verify clearml-server-backup.service clearml-server-backup.timer 2>&1 | grep -c clearml || :
grep -c '^vm.max_map_count=[0-9]' /etc/sysctl.d/60-clearml-server.conf
cd /opt/clearml
stat --format '%a %u:%g %n' config config/*.conf data/fileserver data/mongo_4/db compose.yaml
python3 -c 'import json; print(json.load(open("config/secure.conf"))["auth"]["token_secret"][:10])'
python3 -c 'import json; print(json.load(open("config/apiserver.conf"))["auth"]["fixed_users"]["users"][0]["name"])'
/usr/local/sbin/clearml-server-backup --keep=2 /opt/clearml /var/backups/clearml-server 2>&1 \
    | grep -o 'error: the ClearML server was not backed up: mongo'
ls -A /var/backups/clearml-server
