#!/bin/bash
# headers.sh - the public headers alone, at the strictest warnings, in every C and C++ that we promise; and a plugin in
# each C.
set -u
cd "$(dirname "$0")/../.." || exit 1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0 count=0

printf '#include <scrip/plugin.h>\n' >"$folder/plugin_only.c"
printf '#include <scrip/scrip.h>\n' >"$folder/scrip_only.c"
printf '#include <scrip/rows.h>\n' >"$folder/rows_only.c"
printf '#include <scrip/scrip.h>\n#include <scrip/plugin.h>\n#include <scrip/scrip.h>\n' >"$folder/twice.c"
# Names as an embedding program uses them: the constants must be values in both languages.
cat >"$folder/use.c" <<'END'
#include <scrip/scrip.h>
int use(void);
int use(void)
{
    struct scrip_error err;
    struct scrip *scrip;
    int64_t latest = SCRIP_TIME_MAX - 1;

    if (scrip_open("books.ini", SCRIP_ACCESS_READ, &scrip, &err) != SCRIP_OK)
        return (int)err.code;
    scrip_close(scrip);
    return latest == SCRIP_TIME_NONE || scrip_version[0] == 0;
}
END
cat >"$folder/author.c" <<'END'
#include <scrip/plugin.h>
static const struct scrip_option options[] = {
    { "rate", SCRIP_OPTION_DECIMAL, "1", NULL, 0, "credits for one" },
    SCRIP_OPTIONS_END,
};
static int quote(struct scrip_ctx *ctx, const struct scrip_event *event, struct scrip_quote *out)
{
    if (event->product[0] == 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "product: missing: name one, not '%s'", event->product);
    return ctx->host->price(ctx, out, "credits", ctx->host->option_text(ctx, "rate"), "mine");
}
SCRIP_SERVICE_PLUGIN("mine", "a price of mine", .options = options, .quote = quote);
END
# Without a summary of options: the macro's variable part is one member only, as in the manual's example.
cat >"$folder/least.c" <<'END'
#include <scrip/plugin.h>
static int row(struct scrip_ctx *ctx, const struct scrip_cell *cells, uint64_t cell_count)
{
    return cell_count ? ctx->host->write(ctx, cells[0].text, 1) : SCRIP_OK;
}
SCRIP_REPORT_PLUGIN("least", "first letters", .row = row);
END

warnings="-Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow -Wundef -Wcast-qual -Wwrite-strings"
warnings="$warnings -Wpointer-arith -Wunused-macros -Wdouble-promotion -Wformat=2"

try() { # COMPILER STANDARD LANGUAGE FILE
    local more=
    [ "$3" = c ] && more="-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition"
    count=$((count + 1))
    # shellcheck disable=SC2086
    "$1" -x "$3" "-std=$2" $warnings $more -Iinclude -fsyntax-only "$folder/$4" || { echo "$1 -std=$2: $4"; failed=1; }
}

for pair in gcc:g++ clang:clang++; do
    cc=${pair%:*} cxx=${pair#*:}
    command -v "$cc" >/dev/null || continue
    for standard in c99 c11 c17; do
        for file in plugin_only.c scrip_only.c rows_only.c twice.c use.c author.c least.c; do
            try "$cc" "$standard" c "$file"
        done
    done
    command -v "$cxx" >/dev/null || continue
    for standard in c++11 c++17; do
        for file in plugin_only.c scrip_only.c rows_only.c twice.c use.c; do
            try "$cxx" "$standard" c++ "$file"
        done
    done
done
[ "$count" -gt 0 ] || { echo "no compiler was found"; failed=1; }

# A plugin that asks for more than a header has is told so.
if "${CC:-gcc}" -std=c11 -DSCRIP_WANTS_MINOR=99 -Iinclude -fsyntax-only "$folder/author.c" 2>"$folder/said" ||
    ! grep -q 'SCRIP_WANTS_MINOR: this plugin.h is older' "$folder/said"; then
    echo "a minor that plugin.h does not have was not refused"
    failed=1
fi

# A header that leans on another: each includes what it uses, so nothing but the C library may come before.
for header in include/scrip/*.h; do
    if grep -n '^ *# *include' "$header" | grep -v -e '<stddef.h>' -e '<stdint.h>' -e '<scrip/plugin.h>'; then
        echo "$header: includes more than stddef.h, stdint.h and plugin.h"
        failed=1
    fi
done

# A program that links with the shared library and nothing else.
if [ -z "${SAN:-}" ]; then
    cat >"$folder/main.c" <<'END'
#include <scrip/scrip.h>
int main(void)
{
    struct scrip_error err = { 0, "" };
    struct scrip *scrip;
    return scrip_open("/nonexistent/scrip.ini", SCRIP_ACCESS_READ, &scrip, &err) != SCRIP_EINVALID || err.message[0] == 0;
}
END
    "${CC:-gcc}" -std=c11 -Iinclude -o "$folder/main" "$folder/main.c" "${BUILD:-build}/libscrip.so" &&
        ln -s "${BUILD:-build}/libscrip.so" "$folder/libscrip.so.0" && LD_LIBRARY_PATH=$folder "$folder/main" ||
        { echo "a program that links with libscrip.so alone"; failed=1; }
fi
exit $failed
