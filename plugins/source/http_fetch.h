/* http_fetch.h - everything that one question yields, page by page, into a file of rows: nothing is handed on before
 * all of it is there and fits together.
 *
 *   submit -> ticket -> url: pending? ask again -> rows, or a link to them -> next page ... -> the file
 *
 * An answer that fails (no connection, cut off, 429, 5xx, not what was wanted) is asked for again, later each time;
 * where pages do not fit together, or a ticket or link has expired, the question is asked again from its begin.
 */
#ifndef SCRIP_HTTP_FETCH_H
#define SCRIP_HTTP_FETCH_H

#include "clock.h"
#include "http_answer.h"

#define FETCH_PAGE_LIMIT 100000
#define FETCH_BODY_SIZE 65536
#define FETCH_SHOWN_SIZE 160 /* bytes of a refusal that are shown */

#define FETCH_OPTIONS                                                                                                 \
    { "url", SCRIP_OPTION_TEXT, NULL, NULL, 1,                                                                        \
      "what to ask: https://..., with places such as {from.date} {offset} {ticket}" },                                \
        { "body", SCRIP_OPTION_TEXT, NULL, NULL, 0, "sent along with POST, with the same places; absent: GET" },      \
        { "body_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "the same from a file: for long ones" },                     \
        { "submit", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                                 \
          "address that a query is sent to first, with POST; it answers a ticket" },                                  \
        { "submit_body", SCRIP_OPTION_TEXT, NULL, NULL, 0, "that query" },                                            \
        { "submit_body_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "the same from a file: for long ones" },              \
        { "ticket", SCRIP_OPTION_NAME, NULL, NULL, 0, "member of that answer which becomes {ticket}" },               \
        { "status", SCRIP_OPTION_NAME, NULL, NULL, 0, "member of an answer of `url` that says how far it is" },       \
        { "ready", SCRIP_OPTION_LIST, NULL, NULL, 0, "texts of `status` where the rows are there" },                  \
        { "pending", SCRIP_OPTION_LIST, NULL, NULL, 0,                                                                \
          "those where they come later; with any other it has failed" },                                              \
        { "poll", SCRIP_OPTION_DURATION, "5s", NULL, 0, "wait before a pending answer is asked for again" },          \
        { "poll_limit", SCRIP_OPTION_DURATION, "15m", NULL, 0, "how long altogether" },                               \
        { "download", SCRIP_OPTION_NAME, NULL, NULL, 0, "member that links to the rows, where they are not in it" },  \
        { "format", SCRIP_OPTION_CHOICE, "json", "json,csv", 0, "of the rows" },                                      \
        { "rows", SCRIP_OPTION_TEXT, "", NULL, 0,                                                                     \
          "json: path of their array: `result.rows`; absent: the answer is the array" },                              \
        { "columns", SCRIP_OPTION_NAME, NULL, NULL, 0,                                                                \
          "json: path of an array of names, where rows are arrays in that order" },                                   \
        { "page", SCRIP_OPTION_CHOICE, "none", "none,link,token,offset,number", 0, "how a next page is asked for" },  \
        { "page_url", SCRIP_OPTION_TEXT, NULL, NULL, 0, "address of pages behind the first; absent: url" },           \
        { "page_body", SCRIP_OPTION_TEXT, NULL, NULL, 0, "what is sent for them; absent: body" },                     \
        { "page_body_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "the same from a file: for long ones" },                \
        { "next", SCRIP_OPTION_NAME, NULL, NULL, 0,                                                                   \
          "member that holds the next page's link or {token}; absent: header Link" },                                 \
        { "limit", SCRIP_OPTION_INT, "100", NULL, 0, "{limit}: rows of a page" },                                     \
        { "first", SCRIP_OPTION_INT, "1", NULL, 0, "{page} of the first one" },                                       \
        { "total", SCRIP_OPTION_NAME, NULL, NULL, 0, "member that says how many rows there are: it is checked" },     \
        { "retries", SCRIP_OPTION_INT, "8", NULL, 0, "how often what failed is asked for again" },                    \
        { "wait", SCRIP_OPTION_DURATION, "1s", NULL, 0,                                                               \
          "before it is; twice as long each time; the server's Retry-After counts" },                                 \
        { "wait_limit", SCRIP_OPTION_DURATION, "10m", NULL, 0, "the longest wait" },                                  \
        { "pace", SCRIP_OPTION_DURATION, "0s", NULL, 0, "least time from one request to the next" },                  \
        CALL_OPTIONS

/* ---- waiting ---------------------------------------------------------------------------------------------- */

/* Before the n-th time that something is asked for again; 0, or the server wants more than may be. */
static inline int fetch_wait(struct fetch *self, int64_t tries, const char *what)
{
    const struct scrip_host *host = self->ctx->host;
    int64_t us = host->option_int(self->ctx, "wait"), most = host->option_int(self->ctx, "wait_limit");

    for (int64_t i = 0; i < tries && us < most; i++)
        us *= 2;
    us = us < most ? us : most;
    if (self->call.retry_after_us > most)
        return scrip_fail(self->ctx, SCRIP_EBUSY,
                          "%s: %s: it wants to be asked in %lld s again: run later, or raise wait_limit",
                          self->call.shown, self->why, (long long)(self->call.retry_after_us / SCRIP_SECOND));
    us = us > self->call.retry_after_us ? us : self->call.retry_after_us;
    host->log(self->ctx, "%s: %s: %s in %lld.%lld s", self->call.shown, self->why, what, (long long)(us / SCRIP_SECOND),
              (long long)(us / 100000 % 10));
    clock_wait(us);
    return SCRIP_OK;
}

/* ---- texts to send ---------------------------------------------------------------------------------------- */

static const char *const fetch_bodies[BODY_COUNT] = { "body", "page_body", "submit_body" };

static inline int fetch_body_read(struct fetch *self, const char *key, const char *path, char **out)
{
    FILE *in = fopen(path, "rb");
    size_t size = 0;
    int code = SCRIP_OK;

    *out = calloc(1, FETCH_BODY_SIZE + 1);
    if (in == NULL)
        code = scrip_fail(self->ctx, SCRIP_EIO, "%s: %s: cannot be opened: %s", key, path, strerror(errno));
    else if (*out == NULL)
        code = call_memory_fault(self->ctx);
    else if ((size = fread(*out, 1, FETCH_BODY_SIZE, in)) == FETCH_BODY_SIZE || ferror(in) || strlen(*out) != size)
        code = scrip_fail(self->ctx, SCRIP_EINVALID, "%s: %s: want a text of less than %d bytes", key, path,
                          FETCH_BODY_SIZE);
    if (in != NULL)
        fclose(in);
    return code;
}

/* What is to be sent, from the section or a file; NULL where neither is given. */
static inline int fetch_open(struct fetch *self, struct scrip_ctx *ctx)
{
    char key[32];
    int code = SCRIP_OK;

    self->ctx = ctx;
    self->page = (enum fetch_page)ctx->host->option_int(ctx, "page");
    self->is_csv = strcmp(ctx->host->option_text(ctx, "format"), "csv") == 0;
    for (size_t i = 0; i < TEXT_COUNT; i++)
        self->values[i] = "";
    for (size_t i = 0; i < BODY_COUNT && code == SCRIP_OK; i++) {
        snprintf(key, sizeof key, "%s_file", fetch_bodies[i]);
        if (ctx->host->option_given(ctx, key) && ctx->host->option_given(ctx, fetch_bodies[i]))
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: %s is there too: keep one of both",
                              ctx->host->option_where(ctx, key), key, fetch_bodies[i]);
        if (ctx->host->option_given(ctx, key))
            code = fetch_body_read(self, key, ctx->host->option_text(ctx, key), &self->bodies[i]);
        else if (ctx->host->option_given(ctx, fetch_bodies[i]) &&
                 (self->bodies[i] = strdup(ctx->host->option_text(ctx, fetch_bodies[i]))) == NULL)
            code = call_memory_fault(ctx);
    }
    return code < 0 ? code : call_open(&self->call, ctx);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static inline int fetch_is_passing(long status)
{
    return status == 408 || status == 425 || status == 429 || status / 100 == 5;
}

/* What a refusal says, as far as it can be shown: not where a part of the credential is in it. */
static inline void fetch_excerpt(struct fetch *self, char out[FETCH_SHOWN_SIZE + 1])
{
    size_t size = fread(out, 1, FETCH_SHOWN_SIZE, self->call.body);

    size = csv_cut(out, size < FETCH_SHOWN_SIZE ? size : FETCH_SHOWN_SIZE - 1);
    if (secret_is_in(&self->call.secret, out, size) || secret_is_in(&self->call.token, out, size) ||
        strstr(self->call.type, "html") != NULL || !csv_is_utf8(out, size))
        size = 0;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            out[i] = ' ';
    out[size] = 0;
}

/* Refused for good. What a ticket, a link or a token leads to may have expired: then the question is asked again. */
static inline int fetch_refused(struct fetch *self, int is_later)
{
    long status = self->call.status;
    char text[FETCH_SHOWN_SIZE + 1];

    if (is_later && (status == 403 || status == 404 || status == 410)) {
        snprintf(self->why, sizeof self->why, "answers %ld: it has expired", status);
        return FETCH_AGAIN;
    }
    if (status == 401 || status == 403 || status == 407)
        return scrip_fail(self->ctx, SCRIP_EINVALID,
                          "%s: answers %ld: it does not take the credential: see credential_file, "
                          "credential_env and auth",
                          self->call.shown, status);
    fetch_excerpt(self, text);
    return scrip_fail(self->ctx, SCRIP_EINVALID, "%s: answers %ld%s%s: mend url, body or submit", self->call.shown,
                      status, text[0] ? ": " : "", text);
}

static inline int fetch_token(struct fetch *self);

/* Sends one request, not before `pace` allows it. As call_ask. */
static inline int fetch_ask(struct fetch *self, const char *url, const char *body)
{
    int64_t pace = self->ctx->host->option_int(self->ctx, "pace");

    if (self->asked_us)
        clock_wait(pace - (clock_us() - self->asked_us));
    self->asked_us = clock_us();
    self->call.retry_after_us = 0;
    return call_ask(&self->call, url, body);
}

/* Asks until `take` has what it wants. AGAIN: from the question's begin; is_later: it hangs on an earlier answer. */
static inline int fetch_request(struct fetch *self, const char *url, const char *body, int (*take)(struct fetch *),
                                int is_later)
{
    int64_t most = self->ctx->host->option_int(self->ctx, "retries");
    int is_renewed = 0, code;

    for (int64_t tries = 0;; tries++) {
        if ((code = fetch_token(self)) != FETCH_DONE || (code = fetch_ask(self, url, body)) < 0)
            return code;
        if (code == 0) {
            fetch_fault(self, self->call.fault, "");
        } else if (self->call.status / 100 == 2) {
            if ((code = take(self)) != FETCH_AGAIN)
                return code;
            if (take == fetch_take && self->found[FOUND_STATUS] &&
                !fetch_is_of(self, "ready", self->found[FOUND_STATUS]))
                return FETCH_AGAIN; /* the query has failed: this answer will not become better */
        } else if (fetch_is_passing(self->call.status)) {
            snprintf(self->why, sizeof self->why, "answers %ld", self->call.status);
        } else if (self->call.status == 401 && self->call.token.text[0] && !is_renewed) {
            is_renewed = 1; /* tokens live for an hour or so */
            secret_wipe(&self->call.token);
            continue;
        } else {
            return fetch_refused(self, is_later);
        }
        if (tries >= most)
            return scrip_fail(self->ctx, SCRIP_EIO, "%s: %s, %lld times: run again later: what is known counts once",
                              self->call.shown, self->why, (long long)tries + 1);
        if ((code = fetch_wait(self, tries, "is asked again")) < 0)
            return code;
    }
}

/* Gets an access token, where one is wanted and there is none. */
static inline int fetch_token(struct fetch *self)
{
    const struct scrip_host *host = self->ctx->host;
    int code;

    if (self->call.is_token || self->call.token.text[0] || !host->option_given(self->ctx, "token_url"))
        return FETCH_DONE;
    self->call.is_token = 1;
    code = fetch_request(self, host->option_text(self->ctx, "token_url"), host->option_text(self->ctx, "token_body"),
                         fetch_take_token, 0);
    self->call.is_token = 0;
    return code;
}

/* A text with its places filled. */
static inline char *fetch_fill(struct fetch *self, const char *text, int is_address)
{
    char *out = text_fill(text, self->values, is_address);

    if (out == NULL)
        call_memory_fault(self->ctx);
    return out;
}

static inline int fetch_submit(struct fetch *self)
{
    char *url = fetch_fill(self, self->ctx->host->option_text(self->ctx, "submit"), 1);
    char *body = fetch_fill(self, self->bodies[BODY_SUBMIT] ? self->bodies[BODY_SUBMIT] : "", 0);
    int code = url && body ? fetch_request(self, url, body, fetch_take_submit, 0) : SCRIP_ENOMEM;

    free(url);
    free(body);
    self->values[TEXT_TICKET] = self->ticket ? self->ticket : "";
    return code;
}

/* The page at hand, once it is there. */
static inline int fetch_page(struct fetch *self)
{
    const struct scrip_host *host = self->ctx->host;
    int is_first = self->page_count == 0, is_link = self->page == PAGE_LINK && !is_first, code;
    const char *url_key = !is_first && host->option_given(self->ctx, "page_url") ? "page_url" : "url";
    const char *text = self->bodies[!is_first && self->bodies[BODY_PAGE] ? BODY_PAGE : BODY_FIRST];
    int64_t until = clock_us() + host->option_int(self->ctx, "poll_limit"), wait;
    char *url, *body = NULL;

    snprintf(self->offset, sizeof self->offset, "%llu", (unsigned long long)(self->start + self->row_count));
    snprintf(self->number, sizeof self->number, "%llu",
             (unsigned long long)((uint64_t)host->option_int(self->ctx, "first") + self->page_count +
                                  self->start / (uint64_t)host->option_int(self->ctx, "limit")));
    self->values[TEXT_TOKEN] = self->next ? self->next : "";
    url = is_link ? strdup(self->next) : fetch_fill(self, host->option_text(self->ctx, url_key), 1);
    if (!is_link && text != NULL)
        body = fetch_fill(self, text, 0);
    code = url && (is_link || body || text == NULL) ? SCRIP_OK : call_memory_fault(self->ctx);
    while (code == SCRIP_OK) {
        code = fetch_request(self, url, body, fetch_take, !is_first || self->ticket != NULL);
        if (code != FETCH_PENDING)
            break;
        wait = host->option_int(self->ctx, "poll");
        wait = wait > self->call.retry_after_us ? wait : self->call.retry_after_us;
        if (clock_us() + wait > until)
            code = scrip_fail(self->ctx, SCRIP_EBUSY, "%s: still '%.40s' after poll_limit: run again later",
                              self->call.shown, self->found[FOUND_STATUS]);
        else
            code = SCRIP_OK;
        if (code == SCRIP_OK)
            clock_wait(wait);
    }
    free(url);
    free(body);
    return code;
}

/* ---- pages ------------------------------------------------------------------------------------------------ */

/* 1: this link or token is new. */
static inline int fetch_next_is_new(struct fetch *self, const char *next)
{
    uint64_t hash = self->ctx->host->hash(next, strlen(next)), *longer;

    for (uint64_t i = 0; i + 1 < self->page_count; i++)
        if (self->seen[i] == hash)
            return 0;
    longer = realloc(self->seen, (self->page_count + 1) * sizeof *longer);
    if (longer == NULL)
        return call_memory_fault(self->ctx);
    self->seen = longer;
    self->seen[self->page_count - 1] = hash;
    return 1;
}

/* Keeps what leads to the next page. DONE: there is one; PENDING: this was the last. */
static inline int fetch_next(struct fetch *self)
{
    int by_header = !self->ctx->host->option_given(self->ctx, "next");
    const char *next = by_header ? self->call.next : self->found[FOUND_NEXT];
    int is_new;

    free(self->next);
    self->next = NULL;
    if (next == NULL || next[0] == 0)
        return FETCH_PENDING;
    if ((is_new = fetch_next_is_new(self, next)) < 0)
        return is_new;
    if (!is_new)
        return fetch_fault(self, "leads to a page that was there already", "");
    self->next = self->page == PAGE_LINK ? call_join(self->call.address, next) : strdup(next);
    if (self->next == NULL)
        return fetch_fault(self, "its link to the next page is no address", "");
    return FETCH_DONE;
}

/* The sum that the answers tell: the same on each page, and what was got in the end. */
static inline int fetch_total_check(struct fetch *self, int is_last)
{
    const char *total = self->found[FOUND_TOTAL];
    char counts[120], got[24];

    if (!self->ctx->host->option_given(self->ctx, "total") || self->call.status == 204)
        return FETCH_DONE;
    if (total == NULL)
        return fetch_fault(self, "its answer has no member ", self->ctx->host->option_text(self->ctx, "total"));
    if (self->total != NULL && strcmp(self->total, total) != 0) {
        snprintf(counts, sizeof counts, "%.24s rows, then %.24s", self->total, total);
        return fetch_fault(self, "changed while its pages were read: ", counts);
    }
    free(self->total);
    self->total = strdup(total);
    snprintf(got, sizeof got, "%llu", (unsigned long long)(self->start + self->row_count));
    if (self->total == NULL || !is_last || strcmp(got, total) == 0)
        return self->total ? FETCH_DONE : call_memory_fault(self->ctx);
    snprintf(counts, sizeof counts, "gave %s rows of %.24s", got, total);
    return fetch_fault(self, counts, "");
}

static inline int fetch_is_full(const struct fetch *self)
{
    char got[24];

    snprintf(got, sizeof got, "%llu", (unsigned long long)(self->start + self->row_count));
    return self->total != NULL && strcmp(got, self->total) == 0;
}

/* After a page: DONE: another one; PENDING: that was all. */
static inline int fetch_turn(struct fetch *self)
{
    int is_counted = self->page == PAGE_OFFSET || self->page == PAGE_NUMBER, code, is_last;

    self->row_count += self->page_rows > self->skip ? self->page_rows - self->skip : 0;
    self->page_at = ftello(self->rows);
    if (self->page_count++ == FETCH_PAGE_LIMIT)
        return scrip_fail(self->ctx, SCRIP_ELIMIT,
                          "%s: more than %d pages: ask for less with `window`, or raise `limit`", self->call.shown,
                          FETCH_PAGE_LIMIT);
    if (is_counted && self->page_count > 1 && self->page_rows > 0 && self->page_hash == self->last_hash)
        return fetch_fault(self, "gives the same page twice", "");
    self->last_hash = self->page_hash;
    if (self->start > 0 && self->row_count == 0)
        return FETCH_PENDING; /* shorter than it was: the known row is not there, which the caller sees */
    if (is_counted) {
        if ((code = fetch_total_check(self, 0)) != FETCH_DONE)
            return code;
        is_last = self->page_rows == 0 || fetch_is_full(self);
        code = is_last ? FETCH_PENDING : FETCH_DONE;
    } else {
        code = self->page == PAGE_NONE ? FETCH_PENDING : fetch_next(self);
        is_last = code == FETCH_PENDING;
    }
    if (code == FETCH_DONE || code == FETCH_PENDING) {
        int fits = fetch_total_check(self, is_last);

        code = fits == FETCH_DONE ? code : fits;
    }
    return code;
}

static inline int fetch_download(struct fetch *self)
{
    char *link = call_join(self->call.address, self->found[FOUND_DOWNLOAD]);
    int code;

    self->page_count = 1;
    code = link ? fetch_request(self, link, NULL, fetch_take, 1) : (int)fetch_fault(self, "its link is no address", "");
    free(link);
    if (code == FETCH_DONE)
        self->row_count = self->page_rows;
    return code;
}

static inline int fetch_pages(struct fetch *self)
{
    int code;

    do {
        if ((code = fetch_page(self)) != FETCH_DONE)
            break;
        if (self->ctx->host->option_given(self->ctx, "download"))
            return fetch_download(self);
        code = fetch_turn(self);
    } while (code == FETCH_DONE);
    return code == FETCH_PENDING ? FETCH_DONE : code;
}

/* ---- a question ------------------------------------------------------------------------------------------- */

static inline void fetch_clear(struct fetch *self)
{
    fetch_found_clear(self);
    free(self->ticket);
    free(self->next);
    free(self->total);
    free(self->csv_header);
    free(self->seen);
    self->ticket = self->next = self->total = self->csv_header = NULL;
    self->seen = NULL;
    csv_release(&self->kept);
    memset(&self->header, 0, sizeof self->header);
    memset(&self->page_header, 0, sizeof self->page_header);
    self->page_at = 0;
    self->row_count = self->page_count = self->last_hash = 0;
}

static inline int fetch_once(struct fetch *self)
{
    int code;

    fetch_clear(self);
    if (self->rows == NULL && (self->rows = tmpfile()) == NULL)
        return scrip_fail(self->ctx, SCRIP_EIO, "http: no file for rows in the folder for temporary files: %s",
                          strerror(errno));
    if ((code = fetch_page_clear(self)) < 0)
        return code;
    self->values[TEXT_TICKET] = "";
    if (self->ctx->host->option_given(self->ctx, "submit") && (code = fetch_submit(self)) != FETCH_DONE)
        return code;
    if ((code = fetch_pages(self)) == FETCH_DONE && fflush(self->rows) != 0)
        return scrip_fail(self->ctx, SCRIP_EIO, "http: temporary file: %s: make room for it", strerror(errno));
    return code;
}

/* Asks the question whose window stands in self->values; behind the first `start` rows. Then self->rows has all of
 * them. */
static inline int fetch_all(struct fetch *self, uint64_t start)
{
    int64_t most = self->ctx->host->option_int(self->ctx, "retries");
    int code;

    self->start = start;
    self->values[TEXT_OFFSET] = self->offset;
    self->values[TEXT_PAGE] = self->number;
    self->values[TEXT_LIMIT] = self->limit;
    snprintf(self->limit, sizeof self->limit, "%lld", (long long)self->ctx->host->option_int(self->ctx, "limit"));
    for (int64_t tries = 0; (code = fetch_once(self)) == FETCH_AGAIN; tries++) {
        self->call.retry_after_us = 0;
        if (tries >= most)
            return scrip_fail(self->ctx, SCRIP_EIO, "%s: %s, %lld times: run again later", self->call.shown, self->why,
                              (long long)tries + 1);
        if ((code = fetch_wait(self, tries, "all is asked for again from its begin")) < 0)
            break;
    }
    return code < 0 ? code : SCRIP_OK;
}

static inline void fetch_close(struct fetch *self)
{
    fetch_clear(self);
    for (size_t i = 0; i < BODY_COUNT; i++)
        free(self->bodies[i]);
    if (self->rows != NULL)
        fclose(self->rows);
    call_close(&self->call);
}

#endif
