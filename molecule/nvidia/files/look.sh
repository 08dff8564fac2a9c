#!/bin/sh
set -u
names="nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools libnvidia-container1"
nvidia-smi -L
dpkg-query --show --showformat='${db:Status-Want} ${Package} ${Version}\n' $names
apt-get -q update > /dev/null
apt-get -s -q dist-upgrade | grep -c 99.0.0 || :
nvidia-container-toolkit
stat --format '%a %U:%G' /etc/apt/sources.list.d/nvidia* /etc/apt/keyrings/nvidia* /etc/apt/preferences.d/nvidia*
