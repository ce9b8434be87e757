/* check_bench.h - what the suites of several kinds share: what was answered, written down; and memory that is lent and
 * taken back. */
#ifndef SCRIP_CORE_CHECK_BENCH_H
#define SCRIP_CORE_CHECK_BENCH_H

#include "error.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* Answers one after the other, each a text of any bytes. */
struct answers {
    char *text;
    size_t size, room;
    size_t *ends;
    size_t count, end_room;
};

void answers_add(struct answers *answers, const char *format, ...) __attribute__((format(printf, 2, 3)));
void answers_add_bytes(struct answers *answers, const void *bytes, size_t size);
void answers_end(struct answers *answers); /* of the answer at hand */
void answers_clear(struct answers *answers);
void answers_free(struct answers *answers);
const char *answers_at(const struct answers *answers, size_t index, size_t *size);
int answers_same_at(const struct answers *a, size_t a_index, const struct answers *b, size_t b_index);
/* The first answer that is not the same, or -1: all are. One that only one of them has differs. */
int64_t answers_differ(const struct answers *a, const struct answers *b);

/* A copy of what is lent, in one piece: whether the plugin wrote to it is seen, and when it is taken back, it is filled
 * with rubbish, so that who kept a pointer reads that. */
struct lent {
    char *start, *before;
    size_t size, used;
};

struct lent lent_open(size_t size);
void *lent_copy(struct lent *lent, const void *bytes, size_t size); /* aligned for anything */
const char *lent_text(struct lent *lent, const char *text);
size_t lent_room(size_t size);      /* what a copy of so many bytes takes */
void lent_ready(struct lent *lent); /* it is whole: changes count from here */
/* 1: it was changed. */
int lent_close(struct lent *lent);

/* A code that a function of a plugin must not answer, or one without its message; 1: a clause was broken. where: for
 * the sentence. */
int code_check(struct check *check, const struct check_instance *instance, int code, int highest, const char *where);

#define CLAUSE_CODE "a function returns 0 (SCRIP_OK) or a negative code, and says why through the call that failed:"
#define CLAUSE_LENT "Lent in: what the host passes is yours to read until you return."
#define CLAUSE_STATIC "what it keeps hangs on `ctx->self`, never on a static variable."

#endif
