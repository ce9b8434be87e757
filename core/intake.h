/* intake.h - rows on their way in: sources read block by block, as streams. Private to intake.c and stream.c. */
#ifndef SCRIP_CORE_INTAKE_H
#define SCRIP_CORE_INTAKE_H

#include "follow.h"
#include "host.h"

/* One row: an event, or why it is none. */
struct intake {
    struct event event;
    struct origin origin;
    uint64_t position;
    char *bad; /* reason class in reason_class; NULL: an event */
    const char *reason_class;
    int is_skipped;
    size_t stream; /* its source's place */
};

/* Rows read at one time, with their memory. */
struct block {
    struct block *next;
    struct arena arena;
    struct intake rows[BLOCK_ROWS];
    size_t count, taken;
};

/* What a source's calls come back to: the feeds that it names, or the block being filled. */
struct scrip_rows {
    struct scrip *scrip;
    struct instance *source;
    const struct scrip_name *name;
    char **feeds;
    size_t feed_count, feed_room;
    struct block *block;
    const char *feed;
    size_t stream;
};

/* Behind a row of a stream; block NULL: before the first one. */
struct row_place {
    struct block *block;
    size_t taken;
};

/* How far a feed was read by what the batches say, and who read it. */
struct feed_noted {
    struct instance *reader;
    struct scrip_cursor cursor;
};

struct stream {
    struct scrip_rows rows;
    int is_piped;            /* it cannot be read twice: rows are kept until they are committed */
    struct row_place sent, sure; /* of a pipe: what was handed to the store, and what has come there */
    size_t feed_at;
    int is_open, is_done;
    struct block *first, *last; /* blocks that hold rows not yet taken, or of the group at hand */
    struct block *head;         /* where the next row is; its `taken` says which */
    struct block *spare;
    struct scrip_cursor cursor; /* after the last row taken */
    const struct intake *tail; /* the last row taken, while is_moved */
    const struct block *tail_block;
    int is_moved;
    struct instance *reader; /* of the feed at hand: the source, or of its profiles the one that fits */
    int is_told;             /* which profile that is */
    int is_again;            /* cursors do not count: every row comes */
    int is_broken;           /* its source failed, rather than the store */
    struct feed_noted *noted; /* by feed, where the source wants to know what was committed; else NULL */
    /* Of feeds that are followed, else NULL: */
    struct follow *follow;
    struct follow_sight seen; /* of the feed at hand, before it was opened */
    int grows;                /* it may still be being written */
    /* For progress, in bytes as the sources count: */
    uint64_t left;              /* of feeds not opened yet, as far as known */
    uint64_t feed_size;         /* of the feed at hand; 0: unknown */
    uint64_t read_from, read_at; /* in the feed at hand */
    uint64_t bytes_before;      /* read of feeds before it */
};

void stream_start(struct stream *stream, struct scrip *scrip, struct instance *source, size_t index);
/* Once its feeds are named: */
void stream_measure(struct stream *stream);
void stream_note(struct stream *stream);
/* The next row that was not taken, or NULL at the end. */
int stream_peek(struct stream *stream, struct intake **out, struct scrip_error *err);
void stream_recycle(struct stream *stream);
void stream_rewind(struct stream *stream);
struct row_place stream_place(const struct stream *stream); /* behind the last row that was taken */
void stream_free(struct stream *stream);
/* Where the stream stands goes into the batch with the rows before it. */
void cursor_note(struct stream *stream);
void stream_settle(struct stream *stream); /* everything was committed: its source is told how far */
int source_fault(struct instance *source, int code, struct scrip_error *err);
/* A row that is bad or filtered has no event to look at. */
static inline int is_event(const struct intake *intake)
{
    return intake->bad == NULL && !intake->is_skipped;
}
/* Takes a row in: its outcome is counted. */
int intake_take(struct scrip *scrip, struct intake *intake, struct scrip_totals *totals, struct scrip_result *result,
                struct scrip_error *err);
#endif
