/* http_window.h - questions by time: [from, from + window), then the next one, until now.
 *
 * A cursor's position is the begin of the window that its row came from, in seconds since 1970: a run that was cut
 * short asks for that window again, and what it gives twice counts once. `again` goes further back, for what a vendor
 * mends later.
 */
#ifndef SCRIP_HTTP_WINDOW_H
#define SCRIP_HTTP_WINDOW_H

#include "http_text.h"

#include <scrip/plugin.h>

#include <time.h>

#define WINDOW_OPTIONS                                                                                                \
    { "from", SCRIP_OPTION_TIME, NULL, NULL, 0, "begin of the first window; absent: one question, without times" },   \
        { "until", SCRIP_OPTION_TIME, NULL, NULL, 0, "no window begins then or later; absent: now" },                 \
        { "window", SCRIP_OPTION_DURATION, NULL, NULL, 0,                                                             \
          "how much time one question is for: 1d, P1M; absent: from `from` to then" },                                \
        { "again", SCRIP_OPTION_DURATION, "0s", NULL, 0,                                                              \
          "windows that began up to so long before the last known row's are asked for again" }

struct window {
    struct scrip_ctx *ctx;
    const char *zone;
    int is_on; /* 0: one question, without times */
    int64_t from_us, until_us;
    int64_t index;
    int64_t begin_us, end_us; /* of the window at hand */
    char texts[TEXT_TO_UNIX + 1][40];
};

static inline int window_add(struct window *self, int64_t count, int64_t *out)
{
    return self->ctx->host->time_add(self->from_us, self->ctx->host->option_text(self->ctx, "window"), count,
                                     self->zone, out);
}

static inline int window_check(struct scrip_ctx *ctx, const char *zone)
{
    const struct scrip_host *host = ctx->host;
    struct window window = { .ctx = ctx, .zone = zone, .from_us = host->option_int(ctx, "from") };
    int64_t end_us;

    if (!host->option_given(ctx, "from")) {
        if (host->option_given(ctx, "window") || host->option_given(ctx, "until"))
            return scrip_fail(ctx, SCRIP_EINVALID, "from: missing: where do windows begin");
        return SCRIP_OK;
    }
    if (window.from_us < SCRIP_DAY)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: from: want a time after 1970-01-01",
                          host->option_where(ctx, "from"));
    if (host->option_given(ctx, "window") &&
        (window_add(&window, 1, &end_us) < 0 || end_us < window.from_us + SCRIP_SECOND))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: window: want 1s or more", host->option_where(ctx, "window"));
    return SCRIP_OK;
}

/* The day of a time in the zone, YYYY-MM-DD. A zone's noon is on the same day in UTC, or on one of its neighbours. */
static inline void window_date(struct window *self, int64_t time_us, char out[40])
{
    const struct scrip_host *host = self->ctx->host;
    int64_t midnight_us, found_us;

    if (host->time_floor(time_us, "day", self->zone, &midnight_us) < 0)
        midnight_us = time_us;
    for (int64_t day = -1; day <= 1; day++) {
        host->time_write(midnight_us + SCRIP_DAY / 2 + day * SCRIP_DAY, out, 40);
        out[10] = 0;
        if (host->time_parse(out, 10, NULL, self->zone, &found_us) == SCRIP_OK && found_us == midnight_us)
            return;
    }
}

static inline void window_texts(struct window *self)
{
    const struct scrip_host *host = self->ctx->host;

    host->time_write(self->begin_us, self->texts[TEXT_FROM], 40);
    host->time_write(self->end_us, self->texts[TEXT_TO], 40);
    window_date(self, self->begin_us, self->texts[TEXT_FROM_DATE]);
    window_date(self, self->end_us, self->texts[TEXT_TO_DATE]);
    window_date(self, self->end_us - 1, self->texts[TEXT_LAST_DATE]);
    snprintf(self->texts[TEXT_FROM_UNIX], 40, "%lld", (long long)(self->begin_us / SCRIP_SECOND));
    snprintf(self->texts[TEXT_TO_UNIX], 40, "%lld", (long long)(self->end_us / SCRIP_SECOND));
}

/* The window with this index becomes the one at hand. 0: there is none any more. */
static inline int window_go(struct window *self, int64_t index)
{
    self->index = index;
    if (!self->is_on)
        return index == 0;
    if (!self->ctx->host->option_given(self->ctx, "window")) {
        self->begin_us = self->from_us;
        self->end_us = self->until_us;
        if (index > 0 || self->from_us >= self->until_us)
            return 0;
    } else if (window_add(self, index, &self->begin_us) < 0 || window_add(self, index + 1, &self->end_us) < 0 ||
               self->begin_us >= self->until_us) {
        return 0;
    }
    window_texts(self);
    return 1;
}

/* Begins with the window that a cursor knows, or earlier by `again`. 0: there is none. */
static inline int window_begin(struct window *self, struct scrip_ctx *ctx, const char *zone,
                               const struct scrip_cursor *from)
{
    const struct scrip_host *host = ctx->host;
    int64_t known_us = (int64_t)from->position * SCRIP_SECOND, again_us = known_us - host->option_int(ctx, "again");
    int64_t index = 0, begin_us;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    self->ctx = ctx;
    self->zone = zone;
    self->is_on = host->option_given(ctx, "from");
    self->from_us = host->option_int(ctx, "from");
    self->until_us =
        host->option_given(ctx, "until") ? host->option_int(ctx, "until") : (int64_t)now.tv_sec * SCRIP_SECOND;
    if (self->is_on && from->position <= (uint64_t)(SCRIP_TIME_MAX / SCRIP_SECOND) &&
        host->option_given(ctx, "window")) {
        while (window_add(self, index + 1, &begin_us) == SCRIP_OK && begin_us <= known_us)
            index++;
        while (index > 0 && window_add(self, index - 1, &begin_us) == SCRIP_OK && begin_us >= again_us)
            index--;
    }
    return window_go(self, index);
}

#endif
