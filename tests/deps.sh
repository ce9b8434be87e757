#!/bin/sh
# deps.sh - makes sure that the machine has what the build needs; installs what is missing where it may.
# Arguments: PROBE:PACKAGE ..., where PROBE is a command, a pkg-config name or a header.
set -u
missing=
for pair in "$@"; do
    probe=${pair%%:*}
    package=${pair#*:}
    case $probe in
    *.h) found=$(printf '#include <%s>\n' "$probe" | ${CC:-gcc} -E - >/dev/null 2>&1 && echo yes) ;;
    *) found=$( { case $package in *-dev | check) false ;; *) PATH=$PATH:/usr/sbin command -v "$probe" ;; esac ||
        pkg-config --exists "$probe"; } >/dev/null 2>&1 && echo yes) ;;
    esac
    [ -n "$found" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "scrip: packages are missing: run as root: apt-get install$missing" >&2
    exit 1
fi
echo "installing$missing" >&2
# Debian's PostgreSQL starts a server of its own as it is installed: the tests start theirs, and none is left running.
case $missing in *postgresql*)
    [ -d /etc/postgresql-common ] || $sudo sh -c 'mkdir -p /etc/postgresql-common &&
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf' ;;
esac
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >/dev/null 2>&1 ||
    { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq $missing >/dev/null; } ||
    { echo "scrip: could not install$missing: install them by hand and run make again" >&2; exit 1; }
