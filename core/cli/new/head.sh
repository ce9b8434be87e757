#!/bin/sh
# test.sh - tries the plugin on a store of its own; SCRIP names the program where it is not on the PATH.
set -eu
cd "$(dirname "$0")"
scrip="${SCRIP:-scrip} -c scrip.ini"
rm -f @NAME@.db*
