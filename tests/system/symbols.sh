#!/bin/bash
# symbols.sh - what our shared objects let others see: a plugin its one constant, libscrip what scrip.h declares.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build} failed=0 count=0

# Sanitizers add symbols of their own to what they instrument.
exported()
{
    nm -D --defined-only "$1" | awk '{ print $NF }' | grep -v -e '^__asan_' -e '^__odr_asan' -e '^__ubsan_' | sort
}

for source in plugins/*/*.c; do
    plugin=$build/${source%.c}.so
    [ -e "$plugin" ] || continue # its library is not on this machine
    count=$((count + 1))
    found=$(exported "$plugin" | tr '\n' ' ')
    if [ "$found" != "scrip_plugin " ]; then
        echo "$plugin: exports '$found', want scrip_plugin alone"
        failed=1
    fi
done
if [ "$count" -lt 5 ]; then
    echo "only $count plugins were built: every kind has one"
    failed=1
fi

# The names that scrip.h declares: at a line's start, before '(' or behind 'extern'.
declared=$(sed -n -e 's/^\(int\|void\|const char \*\) *\(scrip_[a-z_]*\)(.*/\2/p' \
    -e 's/^extern const char \(scrip_[a-z_]*\).*/\1/p' include/scrip/scrip.h | sort)
found=$(exported "$build/libscrip.so")
if [ "$declared" != "$found" ]; then
    echo "libscrip.so and scrip.h differ (< declared, > exported):"
    diff <(echo "$declared") <(echo "$found")
    failed=1
fi
[ "$(echo "$declared" | wc -l)" -ge 15 ] || { echo "scrip.h: its declarations were not found"; failed=1; }
exit $failed
