#!/bin/sh
set -u
systemctl is-enabled docker-registry.service docker-registry-gc.timer
systemctl show --property User --value docker-registry.service
systemctl show --property CapabilityBoundingSet --value docker-registry.service | wc -w
stat --format '%a %U:%G' /etc/docker-registry/config.yml /etc/docker-registry/htpasswd /srv/registry
