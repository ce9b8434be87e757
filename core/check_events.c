/* check_events.c - the native events that a suite asks a plugin about, from the file that --events names. */
#include "check_events.h"

#include "event.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>

struct check_events {
    struct names *names;
    struct arena arena;
    struct event *list;
    uint64_t count, room;
};

static int line_take(struct check_events *events, const char *file, uint64_t number, const char *line, size_t size,
                     struct check *check)
{
    struct scrip_field fields[EVENT_FIELD_LIMIT];
    struct scrip_error err = { 0 };
    struct event event;
    size_t count;
    int code = event_fields_from_json(line, size, fields, &count, &events->arena, &err);

    if (code == SCRIP_OK)
        code = event_read(&event, fields, count, SCRIP_TIME_NONE, SCRIP_TIME_NONE,
                          names_add(events->names, "checked", 7), events->names, &events->arena, &err);
    if (code < 0) {
        check_stop(check, "%s:%llu: %s", file, (unsigned long long)number, err.message);
        return code;
    }
    ARRAY_ROOM(events->list, events->count, events->room);
    events->list[events->count++] = event;
    return SCRIP_OK;
}

static void file_take(struct check_events *events, const char *file, struct check *check)
{
    FILE *in = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t size = -1;
    int code = SCRIP_OK;

    errno = in == NULL ? errno : 0;
    for (uint64_t number = 1; in != NULL && code == SCRIP_OK && (size = getline(&line, &room, in)) >= 0; number++)
        if (line[strspn(line, " \t\r\n")] != 0)
            code = line_take(events, file, number, line, (size_t)size, check);
    if (code == SCRIP_OK && errno != 0)
        check_stop(check, "%s: %s", file, strerror(errno));
    if (in != NULL)
        fclose(in);
    free(line);
}

static struct check_events *events_of(struct check *check)
{
    struct check_events **kept = check_events_kept(check);

    if (*kept == NULL) {
        *kept = memory_get(sizeof **kept);
        (*kept)->names = names_open();
        if (check_events_file(check) != NULL)
            file_take(*kept, check_events_file(check), check);
    }
    return *kept;
}

uint64_t check_event_count(struct check *check)
{
    return events_of(check)->count;
}

const struct scrip_event *check_event(struct check *check, uint64_t index)
{
    return &events_of(check)->list[index].shown;
}

const char *check_event_text(struct check *check, uint64_t index, int key)
{
    return event_text(&events_of(check)->list[index], key);
}

int64_t check_event_time(struct check *check, uint64_t index, int key)
{
    return event_time(&events_of(check)->list[index], key);
}

void check_events_free(struct check *check)
{
    struct check_events **kept = check_events_kept(check);

    if (*kept == NULL)
        return;
    names_close((*kept)->names);
    arena_free(&(*kept)->arena);
    free((*kept)->list);
    free(*kept);
    *kept = NULL;
}
