/* answer.c - answers held back: until what they tell is committed, or until they are too long to be asked for anew. */
#include "ask.h"

/* One call of an answer, with copies of what it was given. */
struct held_call {
    struct held_call *next;
    const char *title; /* of a begin, else NULL */
    struct scrip_column *columns;
    struct scrip_cell *cells; /* of a row, else NULL */
    uint64_t count;           /* of columns or cells */
};

static struct held_call *call_add(struct held *held, uint64_t count)
{
    struct held_call *call = arena_get(&held->arena, sizeof *call);

    *call = (struct held_call){ .count = count };
    *held->end = call;
    held->end = &call->next;
    return call;
}

static const char *text_keep(struct held *held, const char *text)
{
    return arena_text(&held->arena, text, strlen(text));
}

static int held_begin(void *sink, const char *title, const struct scrip_column *columns, uint64_t column_count)
{
    const struct scrip_answer *answer = ((struct held *)sink)->answer;
    struct held *held = sink;
    struct held_call *call;

    if (held->is_out)
        return answer->begin ? answer->begin(answer->sink, title, columns, column_count) : SCRIP_OK;
    call = call_add(held, column_count);
    call->title = text_keep(held, title);
    call->columns = arena_get(&held->arena, column_count * sizeof *columns);
    for (uint64_t i = 0; i < column_count; i++)
        call->columns[i] = (struct scrip_column){ text_keep(held, columns[i].name), columns[i].type };
    return SCRIP_OK;
}

static int call_make(const struct held_call *call, const struct scrip_answer *answer)
{
    if (call->title != NULL)
        return answer->begin ? answer->begin(answer->sink, call->title, call->columns, call->count) : SCRIP_OK;
    if (call->cells != NULL)
        return answer->row(answer->sink, call->cells, call->count);
    return answer->end ? answer->end(answer->sink) : SCRIP_OK;
}

int held_write(struct held *held)
{
    int code = SCRIP_OK;

    held->is_out = 1;
    for (const struct held_call *call = held->first; call != NULL && code == SCRIP_OK; call = call->next)
        code = call_make(call, held->answer);
    return code;
}

static int held_row(void *sink, const struct scrip_cell *cells, uint64_t cell_count)
{
    struct held *held = sink;
    struct held_call *call;

    if (held->is_out)
        return held->answer->row(held->answer->sink, cells, cell_count);
    call = call_add(held, cell_count);
    call->cells = arena_get(&held->arena, (cell_count + 1) * sizeof *cells);
    for (uint64_t i = 0; i < cell_count; i++)
        call->cells[i] = (struct scrip_cell){ cells[i].type, text_keep(held, cells[i].text) };
    return held->limit == 0 || ++held->count < held->limit ? SCRIP_OK : held_write(held);
}

static int held_end(void *sink)
{
    struct held *held = sink;

    if (held->is_out)
        return held->answer->end ? held->answer->end(held->answer->sink) : SCRIP_OK;
    call_add(held, 0);
    return SCRIP_OK;
}

void held_open(struct held *held, const struct scrip_answer *answer, uint64_t limit, struct scrip_answer *out)
{
    memset(held, 0, sizeof *held);
    held->end = &held->first;
    held->answer = answer;
    held->limit = limit;
    *out = (struct scrip_answer){ held_begin, held_row, held_end, held };
}

void held_drop(struct held *held)
{
    arena_reset(&held->arena);
    held->first = NULL;
    held->end = &held->first;
    held->count = 0;
}

void held_free(struct held *held)
{
    arena_free(&held->arena);
}
