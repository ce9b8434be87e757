/* memory.c - a store that ends with its host: for tests, quotes, simulation and embedding. With a file it writes each
 * commit there, too, and reads them all when it is opened. */
#include "memory.h"

static const struct scrip_option options[] = {
    { "file", SCRIP_OPTION_PATH, NULL, NULL, 0,
      "keeps every commit in this file and reads them all when it is opened; absent: what it keeps ends with the "
      "program" },
    SCRIP_OPTIONS_END,
};

SCRIP_STORE_PLUGIN("memory", "in memory, for tests and embedding: ends with its host, or keeps its commits in a file",
                   .options = options, .open = memory_open, .close = memory_close, .begin = memory_begin,
                   .commit = memory_commit, .scan = memory_scan, .event_find = memory_event_find,
                   .source_last = memory_source_last, .state_find = memory_state_find,
                   .cursor_find = memory_cursor_find, .check = memory_check);
