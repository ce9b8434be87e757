#!/bin/bash
# readme.sh - README.md is true: what it shows is done step by step from an installed copy, outside of the tree, and compared.
#
# A comment before a fenced block says what it is: `file: NAME` is written, `append: NAME` added to a file; `sh` is typed,
# and must succeed; `run` is a session, whose commands begin with "$ " and whose answers are compared. UPDATE=1 writes what
# comes out into README.md.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/steps" "$work/home" "$work/bin"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SCRIP_CONFIG PREFIX LIBDIR DESTDIR
export HOME=$work/home LC_ALL=C
fail() {
    echo "$@"
    failed=1
}

# Programs that link with an instrumented library must be instrumented, too.
if [ -n "${SAN:-}" ]; then
    printf '#!/bin/sh\nexec %s -fsanitize=address,undefined "$@"\n' "${CC:-gcc}" >"$work/bin/cc"
    chmod 755 "$work/bin/cc"
    PATH=$work/bin:$PATH
fi

# ---- the steps: NNN.KIND, and NNN.name for files

awk -v out="$work/steps" '
    /^<!-- ((file|append): .*|sh|run) -->$/ { kind = $2; sub(":", "", kind); name = $3; next }
    /^```/ && inside { inside = 0; kind = ""; close(file); next }
    /^```/ && kind != "" {
        inside = 1
        file = sprintf("%s/%03d.%s", out, ++count, kind)
        printf "" > file
        if (name != "--" && name != "-->") print name > sprintf("%s/%03d.name", out, count)
        next
    }
    /^```/ { inside = !inside; file = ""; next }
    inside && file != "" { print > file }
' README.md
[ "$(ls "$work/steps" | wc -l)" -ge 20 ] || fail "README.md: its blocks were not found"

session() { # FILE: types its commands; each is followed by its answer, then by what it said on standard error
    local line code=0
    while IFS= read -r line; do
        case $line in '$ '*) ;; *) continue ;; esac
        [ "$code" = 0 ] || [ "$line" = '$ echo $?' ] || echo "[exit $code]" # it must be shown
        printf '%s\n' "$line"
        (exit "$code")
        eval "${line#??}" >"$work/out" 2>"$work/err" </dev/null
        code=$?
        sed 's/ *$//' "$work/out" "$work/err"
    done <"$1"
    [ "$code" = 0 ] || echo "[exit $code]"
}
typed() { # FILE
    local line
    while IFS= read -r line; do
        eval "$line" >"$work/log" 2>&1 </dev/null || { echo "README.md: $line: exit $?"; cat "$work/log"; exit 1; }
    done <"$1"
}
for step in "$work"/steps/*; do
    case $step in
    *.file) cp "$step" "$(cat "${step%.file}.name")" ;;
    *.append) cat "$step" >>"$(cat "${step%.append}.name")" ;;
    *.sh) typed "$step" ;;
    *.run) session "$step" >"$step.out" ;;
    esac
done
case $PWD in "$work"/*) ;; *) fail "README.md: its steps were done in $PWD, not in a folder of their own" ;; esac

if [ -n "${UPDATE:-}" ]; then
    awk -v out="$work/steps" '
        /^<!-- ((file|append): .*|sh|run) -->$/ { kind = $2 }
        /^```/ && !inside && kind != "" { count++; print; inside = 1; is_run = kind == "run"
            if (is_run) { file = sprintf("%s/%03d.run.out", out, count); while ((getline line < file) > 0) print line }
            next }
        /^```/ && inside { inside = 0; kind = ""; is_run = 0 }
        !is_run { print }
    ' "$root/README.md" >"$work/README.md" && cp "$work/README.md" "$root/README.md"
fi
for step in "$work"/steps/*.run; do
    diff "$step" "$step.out" >"$work/diff" || fail "README.md: shown (<) is not what comes out (>):
$(cat "$work/diff")"
done

# ---- the plugin: short, clean at the strictest warnings, and its charge is what arithmetic says: 0.25 + 7 x 1.5

lines=$(wc -l <acme.c)
[ "$lines" -le 25 ] || fail "README.md: the plugin has $lines lines, want 25 at most"
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    for source in acme.c gate.c; do
        # shellcheck disable=SC2046
        $compiler -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only $(pkg-config --cflags scrip) \
            "$source" || fail "$compiler: $source of README.md"
    done
done
[ "$(pkg-config --cflags scrip | tr -d ' ')" = "-I$HOME/.local/include" ] || fail "pkg-config: not the installed header: $(pkg-config --cflags scrip)"
[ "$(command -v scrip)" = "$HOME/.local/bin/scrip" ] || fail "scrip: not the installed one: $(command -v scrip)"
found=$(scrip -c acme.ini balance lab --format csv | sed 1d)
[ "$found" = "lab,credits,89.25,0.00,0.00,10.75,0.00,0.00,0.00" ] || fail "balance of the plugin's account: $found"
found=$(scrip -c acme.ini plugins --format csv | grep -c "^[a-z]*,[^,]*,[^\"].*,$HOME/.local/bin/\.\./lib/scrip/")
[ "$found" -ge 5 ] || fail "plugins: $found of the installed ones were found"
scrip -c acme.ini plugins --format csv | grep -q "^service,./acme.so,ACME's price list,1.0,currency price.\*,acme,$PWD/./acme.so$" ||
    fail "plugins: the plugin is not listed: $(scrip -c acme.ini plugins --format csv)"
scrip -c acme.ini quote lab OTHER 2>&1 | grep -q "no service has a price" || fail "the plugin prices what is not its own"
scrip -c acme.ini verify >/dev/null || fail "the books of the plugin's charge"

# ---- the tables: commands, event types and their fields are those of the program, each in both

cd "$root" || exit 1
table() { # NAME: rows of the table behind the comment
    awk -v name="<!-- $1 -->" '$0 == name { on = 1; next } on && /^\|/ { seen = 1; if (++row > 2) print } on && seen && !/^\|/ { exit }' README.md
}
same() { # WHAT SHOWN THERE
    [ -n "$2" ] && [ "$2" = "$3" ] || fail "README.md: $1: shown (<), there (>):
$(diff <(echo "$2") <(echo "$3"))"
}
first() { sed -n 's/^| `\([^` ]*\).*/\1/p' | sort; }
same commands "$(table commands | first)" \
    "$(scrip --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort)"
same "event types" "$(table events | first)" \
    "$(sed -n '/#define SCRIP_EVENT_TYPES/,/^$/s/.*"\(scrip\.[a-z]*\)".*/\1/p' include/scrip/plugin.h | sort)"
# A field's last word: cost.amount is `cost` {`amount` ...}. The envelope has those that every event has.
same fields "$(table events | sed 's/^| `[^`]*`//' | grep -o '`[a-z_]*`' | tr -d '`' |
    grep -v -x -e cost -e scope -e recurrence -e rollover -e of -e remaining -e unlimited -e available -e yes -e no | sort -u)" \
    "$(sed -n '/#define SCRIP_FIELDS/,/^$/s/.*, "\([a-z_.]*\)", .*/\1/p' include/scrip/plugin.h |
        grep -v -x -e type -e id -e source -e account -e time |
        sed -e 's/^line$/lines/' -e 's/^.*\.//' -e 's/^\(label\|attribute\|share\)$/\1s/' | sort -u)"
for link in $(grep -o '](\([^)h][^):]*\))' README.md | tr -d '](' | tr -d ')'); do
    [ -e "$link" ] || fail "README.md: $link: no such file"
done
exit $failed
