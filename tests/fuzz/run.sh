#!/bin/bash
# run.sh - runs fuzzers, each for FUZZ_SECONDS from its corpus; `run.sh check` looks whether the compiler can build them.
# `make fuzz` calls it. What a fuzzer finds is in build/fuzz/found-*, and repeats with build/fuzz/TARGET FILE.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${1:-}" = check ]; then
    cc=${FUZZ_CC:-clang}
    command -v "$cc" >/dev/null ||
        { echo "make fuzz: no $cc: install clang, or make check, which feeds the same targets without it"; exit 1; }
    echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n > 1 ? 0 : 0; }' |
        "$cc" -fsanitize=fuzzer,address,undefined -x c -o /dev/null - 2>/dev/null && exit
    major=$("$cc" -dumpversion | cut -d. -f1)
    echo "make fuzz: $cc cannot link a fuzzer: install libclang-rt-$major-dev (where there is none: libfuzzer-$major-dev)"
    exit 1
fi
failed=0
for fuzzer; do
    name=$(basename "$fuzzer")
    mkdir -p "build/fuzz/corpus/$name"
    echo "$name, ${FUZZ_SECONDS:-60} s"
    "$fuzzer" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/found-$name-" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" || failed=1
done
exit $failed
