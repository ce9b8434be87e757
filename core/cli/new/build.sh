# The header: of an installed scrip, or beside the program that runs.
where=$(dirname "$(command -v "${SCRIP:-scrip}")")
flags=$(pkg-config --cflags scrip 2>/dev/null || for up in .. ../.. ../../..; do
    [ ! -e "$where/$up/include/scrip/plugin.h" ] || echo "-I$where/$up/include"; done)
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -shared -fPIC $flags -o @NAME@.so @NAME@.c
