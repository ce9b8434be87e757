/* csv.c - feeds of comma-separated values: columns mapped to fields by configuration.
 *
 *   feed -> row -> columns -> filters -> fields (mapped, constant) -> identity -> row_add
 */
#include "csv_row.h"

static const struct scrip_option options[] = {
    FEED_OPTIONS,
    { "map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "map.FIELD = COLUMN, ALIAS ...: the first that the header has; a '?' at the end: may be missing" },
    { "const.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "const.FIELD = the same text in every row" },
    { "type", SCRIP_OPTION_TEXT, "scrip.usage", NULL, 0, "event type of every row, unless map.type is given" },
    { "type.map.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "type.map.TEXT = event type, for the column of map.type" },
    { "header", SCRIP_OPTION_LIST, NULL, NULL, 0, "the column names of a feed that has no header" },
    { "delimiter", SCRIP_OPTION_CHOICE, "comma", "comma,semicolon,tab", 0, "what stands between columns" },
    { "decimal", SCRIP_OPTION_CHOICE, "point", "point,comma", 0, "how decimals are written" },
    { "amounts", SCRIP_OPTION_CHOICE, "strict", "strict,loose", 0,
      "loose: $1,234.50 and (12.00) are numbers, too" },
    { "time", SCRIP_OPTION_TEXT, NULL, NULL, 0, "pattern of times, such as %d/%m/%Y %H:%M; absent: 2022-03-29[ 08:00:00][Z]" },
    { "zone", SCRIP_OPTION_ZONE, "UTC", NULL, 0, "zone of times that name none" },
    { "identity", SCRIP_OPTION_LIST, NULL, NULL, 0,
      "columns that make a row's id, or `row`: its day, hash and ordinal; absent: map.id, else row" },
    { "filter.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "filter.COLUMN = VALUE, VALUE: take only rows with one of these" },
    { "skip.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "skip.COLUMN = VALUE, VALUE: leave out rows with one of these" },
    SCRIP_OPTIONS_END,
};

#define FIELD_LIMIT 96
#define CONDITION_LIMIT 32
#define IDENTITY_LIMIT 16

/* The field keys by name; a family's key ends in '.'. */
static const struct {
    const char *text;
    char reads;
    int is_family;
} fields[] = {
#define X(id, text, reads) { text, #reads[1], 0 },
    SCRIP_FIELDS(X)
#undef X
};

struct mapped {
    uint64_t key;
    const char *name;   /* of a family's member; else NULL */
    const char *columns; /* as configured */
    int column;         /* of the feed at hand; -1: not there */
};

struct constant {
    uint64_t key;
    const char *name, *text;
};

struct condition {
    const char *column_name, *values;
    int is_skip, column;
};

/* How often each row was seen in a feed, by its hash: equal rows are told apart by their ordinal. */
struct counts {
    uint64_t *hashes;
    uint32_t *seen;
    size_t count, room;
};

struct csv {
    struct feed feed;
    struct csv_row row;
    struct mapped mapped[FIELD_LIMIT];
    size_t mapped_count;
    struct constant constants[FIELD_LIMIT];
    size_t constant_count;
    struct condition conditions[CONDITION_LIMIT];
    size_t condition_count;
    int identity[IDENTITY_LIMIT];
    size_t identity_count;
    int by_row, has_id, has_type_map;
    char delimiter;
    int comma_decimal, loose;
    const char *time_format, *zone;
    char *header; /* the feed's column names, each ended by NUL */
    size_t column_count;
    struct counts counts;
    char last_time[64]; /* the last time read, as text: neighbours often share it */
    size_t last_time_size;
    int64_t last_time_us;
    char day[12]; /* of the last row's id */
    int64_t day_us;
};

/* ---- configuration -------------------------------------------------------------------------------------------- */

static int is_family(uint64_t key)
{
    return key == SCRIP_F_ATTRIBUTE || key == SCRIP_F_LABEL || key == SCRIP_F_SCOPE_ATTRIBUTE;
}

static int field_find(struct scrip_ctx *ctx, const char *text, uint64_t *key, const char **name)
{
    *name = NULL;
    for (*key = 0; *key < SCRIP_FIELD_COUNT; ++*key) {
        size_t size = strlen(fields[*key].text);

        if (!is_family(*key) && strcmp(text, fields[*key].text) == 0)
            return SCRIP_OK;
        if (is_family(*key) && strncmp(text, fields[*key].text, size) == 0 && text[size] == '.' && text[size + 1]) {
            *name = text + size + 1;
            return SCRIP_OK;
        }
    }
    return scrip_fail(ctx, SCRIP_EINVALID, "map.%s: no such field: want one of type, id, account, time, end, product, user, "
                      "quantity, unit, amount, currency, service, attribute.NAME ... as in the table of native events", text);
}

static int conditions_read(struct scrip_ctx *ctx, struct csv *csv, const char *family, int is_skip)
{
    const char *suffix, *value;

    for (uint64_t i = 0; ctx->host->option_member(ctx, family, i, &suffix, &value) == SCRIP_OK; i++) {
        if (csv->condition_count == CONDITION_LIMIT)
            return scrip_fail(ctx, SCRIP_ELIMIT, "filter and skip: more than %d", CONDITION_LIMIT);
        csv->conditions[csv->condition_count++] = (struct condition){ suffix, value, is_skip, -1 };
    }
    return SCRIP_OK;
}

static int fields_read(struct scrip_ctx *ctx, struct csv *csv)
{
    const char *suffix, *value, *name;
    uint64_t key;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "map.*", i, &suffix, &value) == SCRIP_OK; i++) {
        if (csv->mapped_count == FIELD_LIMIT)
            return scrip_fail(ctx, SCRIP_ELIMIT, "map: more than %d fields", FIELD_LIMIT);
        if (field_find(ctx, suffix, &key, &name) < 0)
            return SCRIP_EINVALID;
        csv->has_id |= key == SCRIP_F_ID;
        csv->has_type_map |= key == SCRIP_F_TYPE;
        csv->mapped[csv->mapped_count++] = (struct mapped){ key, name, value, -1 };
    }
    for (uint64_t i = 0; ctx->host->option_member(ctx, "const.*", i, &suffix, &value) == SCRIP_OK; i++) {
        if (csv->constant_count == FIELD_LIMIT - 1)
            return scrip_fail(ctx, SCRIP_ELIMIT, "const: more than %d fields", FIELD_LIMIT - 1);
        if (field_find(ctx, suffix, &key, &name) < 0)
            return SCRIP_EINVALID;
        csv->constants[csv->constant_count++] = (struct constant){ key, name, value };
    }
    if (csv->mapped_count == 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "map: no column is mapped: give at least map.account (or const.account) and "
                          "map.time");
    if (!csv->has_type_map)
        csv->constants[csv->constant_count++] = (struct constant){ SCRIP_F_TYPE, NULL, ctx->host->option_text(ctx, "type") };
    return SCRIP_OK;
}

static int open_csv(struct scrip_ctx *ctx)
{
    static const char delimiters[] = ",;\t";
    struct csv *csv = calloc(1, sizeof *csv);
    const char *item;
    int code;

    ctx->self = csv;
    if (csv == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a feed");
    csv->feed.fd = -1;
    csv->delimiter = delimiters[ctx->host->option_int(ctx, "delimiter")];
    csv->comma_decimal = ctx->host->option_int(ctx, "decimal") == 1;
    csv->loose = ctx->host->option_int(ctx, "amounts") == 1;
    csv->time_format = ctx->host->option_text(ctx, "time");
    csv->zone = ctx->host->option_text(ctx, "zone");
    csv->day_us = INT64_MIN;
    if ((code = fields_read(ctx, csv)) < 0 || (code = conditions_read(ctx, csv, "filter.*", 0)) < 0 ||
        (code = conditions_read(ctx, csv, "skip.*", 1)) < 0)
        return code;
    item = ctx->host->option_item(ctx, "identity", 0);
    csv->by_row = item ? strcmp(item, "row") == 0 : !csv->has_id;
    if (item != NULL && csv->has_id)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: identity: map.id is given, too: keep one", ctx->host->option_where(ctx, "identity"));
    return SCRIP_OK;
}

static void close_csv(struct scrip_ctx *ctx)
{
    struct csv *csv = ctx->self;

    if (csv == NULL)
        return;
    free(csv->row.scratch);
    free(csv->header);
    free(csv->counts.hashes);
    free(csv->counts.seen);
    free(csv);
    ctx->self = NULL;
}

/* ---- headers -------------------------------------------------------------------------------------------------- */

static int column_find(const struct csv *csv, const char *name, size_t size)
{
    const char *at = csv->header;

    for (size_t i = 0; i < csv->column_count; i++, at += strlen(at) + 1)
        if (strlen(at) == size && memcmp(at, name, size) == 0)
            return (int)i;
    return -1;
}

/* The next of names split by commas; 0 at the end. */
static int name_next(const char **at, const char **name, size_t *size)
{
    const char *end;

    while (**at == ' ' || **at == ',')
        ++*at;
    if (**at == 0)
        return 0;
    *name = *at;
    end = strchr(*at, ',');
    end = end ? end : *at + strlen(*at);
    *at = end;
    while (end > *name && end[-1] == ' ')
        end--;
    *size = (size_t)(end - *name);
    return 1;
}

/* The first of a field's columns that the header has; -1 where none is there. */
static int aliases_find(const struct csv *csv, const char *columns, int *is_optional)
{
    const char *at = columns, *name;
    size_t size;
    int found = -1;

    *is_optional = 0;
    while (name_next(&at, &name, &size)) {
        if (size > 1 && name[size - 1] == '?' && *at == 0) {
            *is_optional = 1;
            size--;
        }
        if (found < 0)
            found = column_find(csv, name, size);
    }
    return found;
}

static int missing_fault(struct scrip_ctx *ctx, const struct csv *csv, const char *path, const char *what, const char *wanted)
{
    char there[320] = "";
    const char *at = csv->header;
    size_t used = 0;

    for (size_t i = 0; i < csv->column_count && used < sizeof there; i++, at += strlen(at) + 1)
        used += (size_t)snprintf(there + used, sizeof there - used, "%s%s", i ? ", " : "", at);
    return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: the header has no column '%s' (it has %s): correct the mapping, or add an "
                      "alias", path, what, wanted, there);
}

/* Finds every configured column in the header at hand. */
static int columns_match(struct scrip_ctx *ctx, struct csv *csv, const char *path)
{
    const char *item;
    int is_optional;

    for (size_t i = 0; i < csv->mapped_count; i++) {
        csv->mapped[i].column = aliases_find(csv, csv->mapped[i].columns, &is_optional);
        if (csv->mapped[i].column < 0 && !is_optional)
            return missing_fault(ctx, csv, path, fields[csv->mapped[i].key].text, csv->mapped[i].columns);
    }
    for (size_t i = 0; i < csv->condition_count; i++) {
        struct condition *c = &csv->conditions[i];

        c->column = column_find(csv, c->column_name, strlen(c->column_name));
        if (c->column < 0)
            return missing_fault(ctx, csv, path, c->is_skip ? "skip" : "filter", c->column_name);
    }
    csv->identity_count = 0;
    for (uint64_t i = 0; !csv->by_row && !csv->has_id && (item = ctx->host->option_item(ctx, "identity", i)) != NULL; i++) {
        if (csv->identity_count == IDENTITY_LIMIT)
            return scrip_fail(ctx, SCRIP_ELIMIT, "identity: more than %d columns", IDENTITY_LIMIT);
        csv->identity[csv->identity_count] = column_find(csv, item, strlen(item));
        if (csv->identity[csv->identity_count++] < 0)
            return missing_fault(ctx, csv, path, "identity", item);
    }
    return SCRIP_OK;
}

static int header_keep(struct scrip_ctx *ctx, struct csv *csv, const struct csv_row *row)
{
    size_t size = 0;
    char *at;

    for (size_t i = 0; i < row->count; i++)
        size += row->columns[i].size + 1;
    free(csv->header);
    csv->header = at = malloc(size + 1);
    if (at == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a header");
    for (size_t i = 0; i < row->count; i++) {
        const char *text = row->columns[i].text;
        size_t n = row->columns[i].size;

        while (n && (*text == ' ' || *text == '\t')) {
            text++;
            n--;
        }
        while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
            n--;
        memcpy(at, text, n);
        at[n] = 0;
        at += n + 1;
    }
    csv->column_count = row->count;
    return SCRIP_OK;
}

static int header_configured(struct scrip_ctx *ctx, struct csv *csv)
{
    const char *item;

    csv->row.count = 0;
    for (uint64_t i = 0; (item = ctx->host->option_item(ctx, "header", i)) != NULL && i < CSV_COLUMN_LIMIT; i++)
        csv->row.columns[csv->row.count++] = (struct csv_column){ item, strlen(item) };
    return header_keep(ctx, csv, &csv->row);
}

static int claims(struct scrip_ctx *ctx, const char *path, const char *start, uint64_t start_size)
{
    struct csv *csv = ctx->self;
    int is_optional, is_mine;

    (void)path;
    if (ctx->host->option_given(ctx, "header"))
        return 0;
    if (start_size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
        start += 3;
        start_size -= 3;
    }
    if (csv_cut(&csv->row, start, start + start_size, csv->delimiter, 1) != CSV_WHOLE || header_keep(ctx, csv, &csv->row) < 0)
        return 0;
    is_mine = csv->mapped_count > 0;
    for (size_t i = 0; i < csv->mapped_count && is_mine; i++)
        is_mine = aliases_find(csv, csv->mapped[i].columns, &is_optional) >= 0 || is_optional;
    return is_mine;
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

/* The row at hand, cut: 1; 0 at the end of the feed; or the fault. A bad row is cut, too, and says so in row.fault. */
static int row_next(struct scrip_ctx *ctx, struct csv *csv)
{
    struct feed *feed = &csv->feed;

    for (;;) {
        const char *start = feed->buffer + feed->at, *end = feed->buffer + feed->end, *stop;
        enum csv_end cut;
        int code;

        if (feed->at == feed->end && feed->is_ended)
            return 0;
        cut = feed->at < feed->end ? csv_cut(&csv->row, start, end, csv->delimiter, feed->is_ended) : CSV_MORE;
        if (cut == CSV_MORE && feed->end - feed->at <= SCRIP_ROW_SIZE) {
            if ((code = feed_fill(ctx, feed)) < 0)
                return code;
            continue;
        }
        if (cut == CSV_MORE || (cut == CSV_BAD && csv->row.fault && strstr(csv->row.fault, "never closed"))) {
            /* The row ends with its first line: what follows may be good again. */
            stop = memchr(start, '\n', (size_t)(end - start));
            csv->row.fault = cut == CSV_MORE ? "a row longer than 1048576 bytes: a quote that is never closed?"
                                             : csv->row.fault;
            csv->row.size = (size_t)((stop ? stop + 1 : end) - start);
            csv->row.lines = stop != NULL;
            csv->row.count = 0;
        }
        return 1;
    }
}

static uint64_t row_hash(struct scrip_ctx *ctx, const struct csv *csv)
{
    const char *start = csv->feed.buffer + csv->feed.at;
    size_t size = csv->row.size;

    while (size && (start[size - 1] == '\n' || start[size - 1] == '\r'))
        size--;
    return ctx->host->hash(start, size);
}

/* How often this hash came, with this time. */
static uint32_t counts_add(struct counts *counts, uint64_t hash)
{
    size_t at;

    if (counts->count * 2 >= counts->room) {
        struct counts old = *counts;

        counts->room = old.room ? old.room * 2 : 4096;
        counts->hashes = calloc(counts->room, sizeof *counts->hashes);
        counts->seen = calloc(counts->room, sizeof *counts->seen);
        if (counts->hashes == NULL || counts->seen == NULL)
            abort();
        for (size_t i = 0; i < old.room; i++)
            if (old.seen[i]) {
                for (at = old.hashes[i] & (counts->room - 1); counts->seen[at]; at = (at + 1) & (counts->room - 1))
                    ;
                counts->hashes[at] = old.hashes[i];
                counts->seen[at] = old.seen[i];
            }
        free(old.hashes);
        free(old.seen);
    }
    for (at = hash & (counts->room - 1); counts->seen[at] && counts->hashes[at] != hash; at = (at + 1) & (counts->room - 1))
        ;
    counts->hashes[at] = hash;
    counts->count += counts->seen[at] == 0;
    return ++counts->seen[at];
}

static int is_blank(const struct csv *csv)
{
    return csv->row.count == 1 && csv->row.columns[0].size == 0;
}

/* Goes over the rows before the cursor again, for their counts. */
static int counts_rebuild(struct scrip_ctx *ctx, struct csv *csv, uint64_t position)
{
    struct feed *feed = &csv->feed;
    int code = 1;

    while (feed->offset + feed->at < position && (code = row_next(ctx, csv)) > 0) {
        if (!csv->row.fault && !is_blank(csv))
            counts_add(&csv->counts, row_hash(ctx, csv));
        feed->line += csv->row.lines;
        feed->at += csv->row.size;
    }
    return code < 0 ? code : SCRIP_OK;
}

static int feed_open(struct scrip_ctx *ctx, const char *path, const struct scrip_cursor *from)
{
    struct csv *csv = ctx->self;
    struct feed *feed = &csv->feed;
    int code = feed_start(ctx, feed, path);

    csv->last_time_size = 0;
    memset(csv->counts.seen, 0, csv->counts.room * sizeof *csv->counts.seen);
    csv->counts.count = 0;
    if (code < 0)
        return code;
    feed_mark_skip(feed);
    if (ctx->host->option_given(ctx, "header"))
        code = header_configured(ctx, csv);
    else {
        if ((code = row_next(ctx, csv)) < 0)
            return code;
        if (code == 0 || csv->row.fault)
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: want a header with column names", path,
                              code == 0 ? "empty" : csv->row.fault);
        code = header_keep(ctx, csv, &csv->row);
        feed->line += csv->row.lines;
        feed->at += csv->row.size;
    }
    if (code == SCRIP_OK)
        code = columns_match(ctx, csv, path);
    if (code < 0 || from->position == 0 || strcmp(path, "-") == 0)
        return code;
    if (csv->by_row && cursor_fits(ctx, feed, from))
        return counts_rebuild(ctx, csv, from->position);
    code = feed_resume(ctx, feed, path, from);
    return code < 0 ? code : SCRIP_OK;
}

static void feed_close(struct scrip_ctx *ctx)
{
    struct csv *csv = ctx->self;

    feed_end(&csv->feed);
}

/* ---- fields --------------------------------------------------------------------------------------------------- */

static int value_in(const char *values, const struct csv_column *column)
{
    const char *name;
    size_t size;

    if (column->size == 0)
        return values[0] == 0;
    while (name_next(&values, &name, &size))
        if (size == column->size && memcmp(name, column->text, size) == 0)
            return 1;
    return 0;
}

static int row_is_wanted(const struct csv *csv)
{
    for (size_t i = 0; i < csv->condition_count; i++)
        if (value_in(csv->conditions[i].values, &csv->row.columns[csv->conditions[i].column]) == csv->conditions[i].is_skip)
            return 0;
    return 1;
}

/* A decimal as its feed writes it, as the host reads it. out has room for 64 bytes. */
static int number_clean(const struct csv *csv, struct scrip_field *field, char *out)
{
    char point = csv->comma_decimal ? ',' : '.', thousands = csv->comma_decimal ? '.' : ',';
    size_t n = 0;
    int is_negative = 0;

    for (uint64_t i = 0; i < field->size; i++) {
        char c = field->text[i];

        if (n >= 60)
            return 0;
        if (csv->loose && (c == thousands || c == '$' || c == ' ' || c == '\'' || c == ')' || c == '+'))
            continue;
        if (csv->loose && (c == '(' || (c == '-' && n == 0)))
            is_negative = 1;
        else if (csv->loose && (unsigned char)c >= 0x80)
            continue; /* a currency's sign */
        else
            out[1 + n++] = c == point ? '.' : c == '.' ? '?' : c;
    }
    out[0] = '-';
    field->text = is_negative ? out : out + 1;
    field->size = n + (size_t)is_negative;
    return 1;
}

static int time_read(struct scrip_ctx *ctx, struct csv *csv, const struct scrip_field *field, int64_t *out)
{
    int code;

    if (field->size == csv->last_time_size && memcmp(field->text, csv->last_time, field->size) == 0) {
        *out = csv->last_time_us;
        return SCRIP_OK;
    }
    code = ctx->host->time_parse(field->text, field->size, csv->time_format, csv->zone, out);
    if (code == SCRIP_OK && field->size < sizeof csv->last_time) {
        memcpy(csv->last_time, field->text, field->size);
        csv->last_time_size = field->size;
        csv->last_time_us = *out;
    }
    return code;
}

static void type_map(struct scrip_ctx *ctx, struct scrip_field *field)
{
    const char *suffix, *value;

    for (uint64_t i = 0; ctx->host->option_member(ctx, "type.map.*", i, &suffix, &value) == SCRIP_OK; i++)
        if (strlen(suffix) == field->size && memcmp(suffix, field->text, field->size) == 0) {
            field->text = value;
            field->size = strlen(value);
            return;
        }
}

/* The values of the identity's columns joined by '|'; a long one is cut and ends in its hash. */
static size_t identity_columns(struct scrip_ctx *ctx, const struct csv *csv, char *out)
{
    char whole[4096];
    size_t n = 0;

    for (size_t i = 0; i < csv->identity_count; i++) {
        const struct csv_column *column = &csv->row.columns[csv->identity[i]];

        if (i)
            whole[n++] = '|';
        for (size_t j = 0; j < column->size && n < sizeof whole - 8; j++) {
            if (column->text[j] == '|' || column->text[j] == '%')
                n += (size_t)sprintf(whole + n, "%%%02X", column->text[j]);
            else
                whole[n++] = column->text[j];
        }
    }
    if (n > SCRIP_NAME_SIZE) {
        uint64_t hash = ctx->host->hash(whole, n);

        n = SCRIP_NAME_SIZE - 17;
        while (n && ((unsigned char)whole[n] & 0xc0) == 0x80)
            n--; /* not within a character */
        n += (size_t)sprintf(whole + n, "~%016llx", (unsigned long long)hash);
    }
    memcpy(out, whole, n);
    return n;
}

/* "20220329-0123456789abcdef", and "-2" for the second equal row of the feed. */
static size_t identity_row(struct scrip_ctx *ctx, struct csv *csv, int64_t time_us, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = row_hash(ctx, csv);
    uint32_t ordinal = counts_add(&csv->counts, hash);
    char text[40];

    if (csv->day_us == INT64_MIN || time_us < csv->day_us || time_us - csv->day_us >= SCRIP_DAY) {
        ctx->host->time_write(time_us, text, sizeof text);
        memcpy(csv->day, text, 4);
        memcpy(csv->day + 4, text + 5, 2);
        memcpy(csv->day + 6, text + 8, 2);
        csv->day[8] = '-';
        ctx->host->time_floor(time_us, "day", "", &csv->day_us);
    }
    memcpy(out, csv->day, 9);
    for (int i = 0; i < 16; i++)
        out[9 + i] = digits[hash >> (60 - i * 4) & 15];
    return ordinal == 1 ? 25 : 25 + (size_t)sprintf(out + 25, "-%u", ordinal);
}

struct filling {
    struct scrip_field list[FIELD_LIMIT * 2 + 2];
    size_t count;
    char numbers[8][64]; /* cleaned decimals */
    size_t number_count;
    char id[SCRIP_NAME_SIZE + 1];
    const struct mapped *fault; /* a time that cannot be read */
    struct scrip_field fault_field;
};

static void field_fill(struct scrip_ctx *ctx, struct csv *csv, const struct mapped *mapped, struct filling *f,
                       struct scrip_row *row)
{
    const struct csv_column *column = &csv->row.columns[mapped->column];
    struct scrip_field field = { mapped->key, mapped->name, column->text, column->size };

    while (field.size && (*field.text == ' ' || *field.text == '\t')) {
        field.text++;
        field.size--;
    }
    while (field.size && (field.text[field.size - 1] == ' ' || field.text[field.size - 1] == '\t'))
        field.size--;
    if (field.size == 0)
        return;
    if (fields[mapped->key].reads == 'T') {
        int64_t time;

        if (time_read(ctx, csv, &field, &time) < 0) {
            f->fault = mapped;
            f->fault_field = field;
            return;
        }
        if (mapped->key == SCRIP_F_TIME) {
            row->time_us = time;
            return;
        }
        if (mapped->key == SCRIP_F_END) {
            row->end_us = time;
            return;
        }
        if (f->number_count < 8) { /* other times as the host writes them */
            char *text = f->numbers[f->number_count++];

            field.size = ctx->host->time_write(time, text, 64);
            field.text = text;
        }
    } else if (fields[mapped->key].reads == 'D' && (csv->comma_decimal || csv->loose) && f->number_count < 8 &&
               strncmp(field.text, "unlimited", field.size) != 0)
        number_clean(csv, &field, f->numbers[f->number_count++]);
    else if (mapped->key == SCRIP_F_TYPE)
        type_map(ctx, &field);
    f->list[f->count++] = field;
}

static int row_emit(struct scrip_ctx *ctx, struct csv *csv, struct scrip_row *row, struct scrip_rows *out)
{
    struct filling f;

    f.count = f.number_count = 0;
    f.fault = NULL;
    for (size_t i = 0; i < csv->mapped_count; i++)
        if (csv->mapped[i].column >= 0)
            field_fill(ctx, csv, &csv->mapped[i], &f, row);
    if (f.fault != NULL)
        return ctx->host->row_bad(ctx, out, row, "%s: '%.*s' is no time as %s: correct the row, or the option time",
                                  fields[f.fault->key].text, (int)(f.fault_field.size > 60 ? 60 : f.fault_field.size),
                                  f.fault_field.text, csv->time_format[0] ? csv->time_format : "2022-03-29 08:00:00");
    for (size_t i = 0; i < csv->constant_count; i++)
        f.list[f.count++] = (struct scrip_field){ csv->constants[i].key, csv->constants[i].name, csv->constants[i].text,
                                                  strlen(csv->constants[i].text) };
    if (!csv->has_id) {
        size_t size = csv->by_row ? identity_row(ctx, csv, row->time_us == SCRIP_TIME_NONE ? 0 : row->time_us, f.id)
                                  : identity_columns(ctx, csv, f.id);

        f.list[f.count++] = (struct scrip_field){ SCRIP_F_ID, NULL, f.id, size };
    }
    row->fields = f.list;
    row->field_count = f.count;
    return ctx->host->row_add(ctx, out, row);
}

static int columns_check(const struct csv *csv)
{
    if (csv->row.count < csv->column_count)
        return -1;
    for (size_t i = csv->column_count; i < csv->row.count; i++)
        if (csv->row.columns[i].size)
            return -1;
    return 0;
}

static int read_rows(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct csv *csv = ctx->self;
    struct feed *feed = &csv->feed;

    while (limit > 0) {
        int code = row_next(ctx, csv);
        struct scrip_row row = { 0 };

        if (code <= 0)
            return code;
        row.bytes = feed->buffer + feed->at;
        row.size = csv->row.size;
        row.line = feed->line;
        row.time_us = row.end_us = SCRIP_TIME_NONE;
        row.position = feed->offset + feed->at + csv->row.size;
        if (is_blank(csv) && !csv->row.fault)
            code = SCRIP_OK;
        else {
            limit--;
            if (csv->row.fault)
                code = ctx->host->row_bad(ctx, out, &row, "%s (line %llu)", csv->row.fault, (unsigned long long)row.line);
            else if (!text_fits(row.bytes, row.size))
                code = ctx->host->row_bad(ctx, out, &row, "not UTF-8 text without control characters: save the feed as UTF-8");
            else if (columns_check(csv) < 0)
                code = ctx->host->row_bad(ctx, out, &row, "%zu columns, the header has %zu: correct the row", csv->row.count,
                                          csv->column_count);
            else
                code = row_is_wanted(csv) ? row_emit(ctx, csv, &row, out) : ctx->host->row_skip(ctx, out, &row);
        }
        feed->line += csv->row.lines;
        feed->at += csv->row.size;
        if (code < 0)
            return code;
    }
    return 1;
}

SCRIP_SOURCE_PLUGIN("csv", "comma-separated values, columns mapped by configuration", .options = options, .open = open_csv,
                    .close = close_csv, .feeds = feed_list, .claims = claims, .feed_open = feed_open, .read = read_rows,
                    .feed_close = feed_close);
