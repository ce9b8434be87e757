/* http_answer.h - answers taken apart: rows into the file of rows, the members that lead on to where they are looked
 * for.
 *
 * What is taken of a page is taken back where the page turns out to be none.
 */
#ifndef SCRIP_HTTP_ANSWER_H
#define SCRIP_HTTP_ANSWER_H

#include "csv_head.h"
#include "http_call.h"
#include "http_text.h"
#include "json_cells.h"

enum fetch_page { PAGE_NONE, PAGE_LINK, PAGE_TOKEN, PAGE_OFFSET, PAGE_NUMBER };

/* What is looked for in an answer: the keys that hold its path. */
enum fetch_found { FOUND_NEXT, FOUND_TOTAL, FOUND_STATUS, FOUND_TICKET, FOUND_DOWNLOAD, FOUND_COUNT };
static const char *const fetch_keys[FOUND_COUNT] = { "next", "total", "status", "ticket", "download" };

enum fetch_body { BODY_FIRST, BODY_PAGE, BODY_SUBMIT, BODY_COUNT };

enum fetch_end { FETCH_AGAIN, FETCH_DONE, FETCH_PENDING }; /* below 0: a fault */

struct fetch {
    struct scrip_ctx *ctx;
    struct call call;
    enum fetch_page page;
    int is_csv;
    char *bodies[BODY_COUNT]; /* to be sent; NULL: none */
    /* Of the question at hand: */
    const char *values[TEXT_COUNT];
    char offset[24], number[24], limit[24];
    char *found[FOUND_COUNT]; /* of the last answer; NULL: not there */
    char *ticket, *next, *total;
    FILE *rows;
    off_t page_at;  /* of the rows, where the page at hand begins */
    uint64_t start; /* rows that are known already, where it goes on behind them */
    uint64_t row_count, page_rows, skip;
    uint64_t page_hash, last_hash;
    uint64_t page_count;
    uint64_t *seen; /* hashes of links and tokens */
    struct csv_kept *kept;
    struct csv_header header; /* of `columns` */
    struct csv_header page_header;
    char *csv_header; /* of the first page */
    int64_t asked_us, now_us;
    char why[300];
};

/* ---- answers ---------------------------------------------------------------------------------------------- */

static inline void fetch_found_clear(struct fetch *self)
{
    for (size_t i = 0; i < FOUND_COUNT; i++) {
        free(self->found[i]);
        self->found[i] = NULL;
    }
}

/* What was written of the page at hand is taken back. */
static inline int fetch_page_clear(struct fetch *self)
{
    if (fflush(self->rows) != 0 || ftruncate(fileno(self->rows), self->page_at) < 0 ||
        fseeko(self->rows, self->page_at, SEEK_SET) < 0)
        return scrip_fail(self->ctx, SCRIP_EIO, "http: temporary file: %s: make room for it", strerror(errno));
    self->page_rows = self->page_hash = 0;
    self->page_header.count = 0;
    self->skip = self->page == PAGE_NUMBER && self->page_count == 0
                     ? self->start % (uint64_t)self->ctx->host->option_int(self->ctx, "limit")
                     : 0;
    return SCRIP_OK;
}

static inline int fetch_row(void *sink, const char *text, size_t size)
{
    struct fetch *self = sink;

    self->page_rows++;
    self->page_hash = self->page_hash * UINT64_C(1099511628211) + self->ctx->host->hash(text, size);
    if (self->page_rows <= self->skip)
        return 0;
    return fwrite(text, 1, size, self->rows) == size && putc('\n', self->rows) != EOF
               ? 0
               : scrip_fail(self->ctx, SCRIP_EIO, "http: temporary file: %s: make room for it", strerror(errno));
}

static inline int fetch_column(struct fetch *self, const struct json_leaf *leaf)
{
    struct csv_header *header = &self->page_header;
    char *name = csv_keep(&self->kept, leaf->size + 1);

    if (header->names == NULL)
        header->names = csv_keep(&self->kept, CSV_COLUMN_LIMIT * sizeof *header->names);
    if (name == NULL || header->names == NULL)
        return call_memory_fault(self->ctx);
    if (header->count == CSV_COLUMN_LIMIT)
        return scrip_fail(self->ctx, SCRIP_ELIMIT, "columns: more than %d", CSV_COLUMN_LIMIT);
    header->names[header->count++] = (struct csv_slice){ memcpy(name, leaf->text, leaf->size), leaf->size };
    return 0;
}

static inline int fetch_leaf(void *sink, const struct json_leaf *leaf)
{
    struct fetch *self = sink;
    const struct scrip_host *host = self->ctx->host;

    if (host->option_given(self->ctx, "columns") && leaf->list_size != leaf->path_size &&
        json_is_path(leaf, leaf->list_size, host->option_text(self->ctx, "columns")))
        return fetch_column(self, leaf);
    if (leaf->kind == JSON_NULL || leaf->kind == JSON_BOOL || leaf->size == 0 || memchr(leaf->text, 0, leaf->size))
        return 0;
    for (size_t i = 0; i < FOUND_COUNT; i++)
        if (host->option_given(self->ctx, fetch_keys[i]) &&
            json_is_path(leaf, leaf->path_size, host->option_text(self->ctx, fetch_keys[i]))) {
            free(self->found[i]);
            if ((self->found[i] = strndup(leaf->text, leaf->size)) == NULL)
                return call_memory_fault(self->ctx);
        }
    return 0;
}

static inline enum fetch_end fetch_fault(struct fetch *self, const char *what, const char *text)
{
    snprintf(self->why, sizeof self->why, "%s%s", what, text);
    return FETCH_AGAIN;
}

/* Reads the body as JSON. DONE, AGAIN where it is none, or a fault. */
static inline int fetch_json(struct fetch *self, const char *rows, int *has_rows)
{
    struct json_walk walk = { .rows = rows, .row = fetch_row, .leaf = fetch_leaf, .sink = self };
    char piece[65536];
    int code = json_walk_begin(&walk) ? 0 : call_memory_fault(self->ctx);
    size_t size;

    fetch_found_clear(self);
    if (code == 0)
        do {
            size = fread(piece, 1, sizeof piece, self->call.body);
            code = json_walk_piece(&walk, piece, size);
        } while (code == 0 && size > 0);
    if (walk.fault[0])
        code = fetch_fault(self, "answers no JSON as it should be: ", walk.fault);
    else if (code == 0)
        code = FETCH_DONE;
    *has_rows = walk.has_rows;
    json_walk_end(&walk);
    return code;
}

static inline int fetch_is_of(struct fetch *self, const char *key, const char *text)
{
    const char *item;

    for (uint64_t i = 0; (item = self->ctx->host->option_item(self->ctx, key, i)) != NULL; i++)
        if (strcmp(item, text) == 0)
            return 1;
    return 0;
}

/* How far the answer of `url` is. */
static inline int fetch_status(struct fetch *self)
{
    const char *status = self->found[FOUND_STATUS];
    char word[64];

    if (!self->ctx->host->option_given(self->ctx, "status"))
        return FETCH_DONE;
    if (status == NULL)
        return fetch_fault(self, "has no member ", self->ctx->host->option_text(self->ctx, "status"));
    if (fetch_is_of(self, "ready", status))
        return FETCH_DONE;
    if (fetch_is_of(self, "pending", status))
        return FETCH_PENDING;
    snprintf(word, sizeof word, "'%.40s'", status);
    return fetch_fault(self, "the query has ended with status ", word);
}

/* An access token: RFC 6749 names its member. */
static inline int fetch_token_leaf(void *sink, const struct json_leaf *leaf)
{
    struct secret *token = sink;

    if (json_is_path(leaf, leaf->path_size, "access_token") && leaf->kind == JSON_STRING && leaf->size <= SECRET_SIZE) {
        memcpy(token->text, leaf->text, leaf->size);
        token->text[leaf->size] = 0;
    }
    return 0;
}

static inline int fetch_take_token(struct fetch *self)
{
    struct json_walk walk = { .leaf = fetch_token_leaf, .sink = &self->call.token };
    char piece[2 * SECRET_SIZE];
    size_t size = fread(piece, 1, sizeof piece, self->call.body);
    int code = json_walk_begin(&walk) ? SCRIP_OK : call_memory_fault(self->ctx);

    if (code == SCRIP_OK &&
        (json_walk_piece(&walk, piece, size) < 0 || (size > 0 && json_walk_piece(&walk, NULL, 0) < 0)))
        code = fetch_fault(self, "answers no JSON as it should be: ", walk.fault);
    else if (code == SCRIP_OK && self->call.token.text[0] == 0)
        code = fetch_fault(self, "its answer has no member access_token", "");
    else if (code == SCRIP_OK)
        code = secret_check(self->ctx, &self->call.token, strlen(self->call.token.text), "access_token") < 0
                   ? SCRIP_EINVALID
                   : FETCH_DONE;
    json_walk_end(&walk);
    explicit_bzero(piece, sizeof piece);
    return code;
}

static inline int fetch_take_submit(struct fetch *self)
{
    int has_rows, code = fetch_json(self, NULL, &has_rows);

    if (code != FETCH_DONE)
        return code;
    if (self->found[FOUND_TICKET] == NULL)
        return fetch_fault(self, "its answer has no ticket: no member ",
                           self->ctx->host->option_text(self->ctx, "ticket"));
    free(self->ticket);
    self->ticket = self->found[FOUND_TICKET];
    self->found[FOUND_TICKET] = NULL;
    return FETCH_DONE;
}

/* The same columns in each page; those of the first are kept. */
static inline int fetch_columns_check(struct fetch *self)
{
    struct csv_header *first = &self->header, *here = &self->page_header;

    if (!self->ctx->host->option_given(self->ctx, "columns"))
        return FETCH_DONE;
    if (here->count == 0)
        return fetch_fault(self, "its answer has no columns: no array at ",
                           self->ctx->host->option_text(self->ctx, "columns"));
    if (first->count == 0) {
        *first = *here;
        here->names = NULL;
        return FETCH_DONE;
    }
    for (size_t i = 0; i < first->count && first->count == here->count; i++)
        if (first->names[i].size != here->names[i].size ||
            memcmp(first->names[i].text, here->names[i].text, first->names[i].size) != 0)
            return fetch_fault(self, "its columns are others than on the first page", "");
    return first->count == here->count ? FETCH_DONE
                                       : (int)fetch_fault(self, "its columns are others than on the first page", "");
}

static inline int fetch_take_json(struct fetch *self)
{
    int is_linked = self->ctx->host->option_given(self->ctx, "download") && self->page_count == 0;
    const char *path = self->ctx->host->option_text(self->ctx, "rows");
    int has_rows, code = fetch_page_clear(self);

    if (code < 0)
        return code;
    if ((code = fetch_json(self, is_linked ? NULL : path, &has_rows)) != FETCH_DONE)
        return code;
    if (self->page_count == 0 || !self->ctx->host->option_given(self->ctx, "download"))
        if ((code = fetch_status(self)) != FETCH_DONE)
            return code;
    if (is_linked)
        return self->found[FOUND_DOWNLOAD] ? FETCH_DONE
                                           : (int)fetch_fault(self, "its answer has no link: no member ",
                                                              self->ctx->host->option_text(self->ctx, "download"));
    if (!has_rows)
        return fetch_fault(self, "its answer has no rows: no array at ",
                           path[0] ? path : "its top: name its path with `rows`");
    return fetch_columns_check(self);
}

/* The first line of a page of CSV without its end, and the one below where the first only says what stands between
 * cells. *out is to be freed; NULL: it is empty. */
static inline int fetch_csv_header(struct fetch *self, char **out)
{
    char *line = NULL, *below = NULL, *both = NULL;
    size_t room = 0, below_room = 0, mark_size;
    ssize_t size = getline(&line, &room, self->call.body);
    size_t begin = size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    int code = SCRIP_OK;

    *out = NULL;
    if (size > 0 && csv_header_mark(line + begin, (size_t)size - begin, &mark_size) != 0 &&
        getline(&below, &below_room, self->call.body) > 0) {
        size = asprintf(&both, "%s%s", line, below);
        code = size < 0 ? call_memory_fault(self->ctx) : SCRIP_OK;
        free(line);
        line = size < 0 ? NULL : both;
    }
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        line[--size] = 0;
    if (size > 0)
        *out = line;
    else
        free(line);
    free(below);
    return code;
}

/* The body as it is; of pages behind the first without the header, which must be the same. */
static inline int fetch_take_csv(struct fetch *self)
{
    int has_header = self->ctx->host->option_item(self->ctx, "header", 0) == NULL, last = '\n', c;
    int code = fetch_page_clear(self);
    char *header = NULL;

    if (code < 0 || (has_header && (code = fetch_csv_header(self, &header)) < 0))
        return code;
    code = FETCH_DONE;
    if (header != NULL && self->csv_header == NULL) {
        fprintf(self->rows, "%s\n", header);
        self->csv_header = header;
        header = NULL;
    } else if (header != NULL && strcmp(header, self->csv_header) != 0) {
        code = fetch_fault(self, "its header is another than that of the first page", "");
    }
    free(header);
    while (code == FETCH_DONE && (c = getc(self->call.body)) != EOF) {
        self->page_hash = self->page_hash * UINT64_C(1099511628211) + (uint64_t)c;
        self->page_rows += c == '\n';
        putc(last = c, self->rows);
    }
    if (last != '\n') {
        putc('\n', self->rows);
        self->page_rows++;
    }
    if (ferror(self->rows))
        return scrip_fail(self->ctx, SCRIP_EIO, "http: temporary file: %s: make room for it", strerror(errno));
    return code;
}

/* A page of the wrong kind is not looked into: often it is a proxy's. */
static inline int fetch_take(struct fetch *self)
{
    int is_csv = self->is_csv && (self->page_count > 0 || !self->ctx->host->option_given(self->ctx, "download"));
    char kind[100];

    if (self->call.status == 204)
        return fetch_page_clear(self) < 0 ? SCRIP_EIO : FETCH_DONE;
    if (strstr(self->call.type, "html") != NULL || (is_csv && strstr(self->call.type, "json") != NULL)) {
        snprintf(kind, sizeof kind, "%s where %s is wanted", self->call.type, is_csv ? "CSV" : "JSON");
        return fetch_fault(self, "answers ", kind);
    }
    return is_csv ? fetch_take_csv(self) : fetch_take_json(self);
}

#endif
