#!/bin/bash
# run.sh - runs every test: units (C), fuzz targets on a few inputs, system tests (scripts against the built program).
# `make check` calls it.
# BUILD: the build folder; SAN: not empty under sanitizers; TESTS: only tests whose name contains this.
set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-$PWD/build} SCRIP=${BUILD:-$PWD/build}/scrip SHARED=${SHARED:-$PWD/../shared} SAN=${SAN:-}
if [ -n "$SAN" ]; then
    export CK_FORK=no ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
    export LSAN_OPTIONS=use_tls=0:print_suppressions=0:suppressions=$PWD/tests/lsan.supp CK_TIMEOUT_MULTIPLIER=10
fi
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
one() { # NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    case $name in *"${TESTS:-}"*) ;; *) return ;; esac
    "$@" >"$log" 2>&1 </dev/null
    case $? in
    0) passed=$((passed + 1)); printf 'ok    %-34s %3d s  %s\n' "$name" $((SECONDS - start)) "$(grep -a '^[0-9]*%:' "$log" | tail -n 1)" ;;
    77) skipped=$((skipped + 1)); printf 'skip  %-34s %s\n' "$name" "$(tail -n 1 "$log")" ;;
    *) failed=$((failed + 1)); printf 'FAIL  %-34s\n' "$name"; tail -n 60 "$log" ;;
    esac
}
for unit in tests/unit/*.c; do
    unit=$(basename "$unit" .c)
    one "unit/$unit" "$BUILD/tests/unit/$unit"
done
for fuzz in tests/fuzz/*.c; do
    fuzz=$(basename "$fuzz" .c)
    one "fuzz/$fuzz" "$BUILD/tests/fuzz/$fuzz" "${MUTATIONS:-10000}" "${SEED:-1}" tests/fuzz/corpus/"$fuzz"/*
done
for test in tests/system/*.py tests/system/*.sh; do
    [ -e "$test" ] || continue
    case $test in
    */lib.py) ;;
    *.py) one "system/$(basename "$test")" python3 -B "$test" ;;
    *) one "system/$(basename "$test")" bash "$test" ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
