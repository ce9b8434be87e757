/* hook.c - the report `hook`: what was committed, and alerts, as HTTP requests. It only delivers.
 * scrip-needs: libcurl libcurl4-openssl-dev
 *
 * Each delivery is one POST of a CloudEvent in structured form. Any answer from 200 to 299 says that it was taken. The
 * header Scrip-Signature has the time of the request and, over both, a hash that only who knows the key can make:
 * t=SECONDS,v1=HEX. Redirects are not followed. The address may hold a secret: it is in no message. */
#include <scrip/plugin.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_SIZE 160 /* bytes of an answer that are shown */
#define HEADER_SIZE 512

static const struct scrip_option options[] = {
    { "url", SCRIP_OPTION_TEXT, NULL, NULL, 1, "where deliveries are posted to: http:// or https://" },
    { "timeout", SCRIP_OPTION_DURATION, "10s", NULL, 0, "for each request, with its answer" },
    { "ca_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "certificates that are trusted; absent: the system's" },
    { "header.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "header.NAME = TEXT: sent with each request" },
    SCRIP_OPTIONS_END,
};

struct hook {
    CURL *curl;
    struct curl_slist *headers; /* of every request */
    char answer[ANSWER_SIZE + 1];
    size_t answer_size;
    char why[CURL_ERROR_SIZE];
};

/* The start of an answer is kept, to be shown where it says no; the rest is read and dropped. */
static size_t answer_take(char *bytes, size_t one, size_t count, void *sink)
{
    struct hook *self = sink;
    size_t room = ANSWER_SIZE - self->answer_size, size = count < room ? count : room;

    (void)one;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];

        self->answer[self->answer_size++] = c >= 0x20 && c < 0x7f ? (char)c : ' ';
    }
    return count;
}

static int header_add(struct scrip_ctx *ctx, struct curl_slist **list, const char *name, const char *value)
{
    char text[HEADER_SIZE];
    struct curl_slist *more;

    if (snprintf(text, sizeof text, "%s: %s", name, value) >= (int)sizeof text)
        return scrip_fail(ctx, SCRIP_ELIMIT, "header.%s: longer than %d bytes", name, HEADER_SIZE);
    more = curl_slist_append(*list, text);
    if (more == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a header");
    *list = more;
    return SCRIP_OK;
}

static int headers_make(struct scrip_ctx *ctx, struct hook *self)
{
    const char *name, *value;
    int code = header_add(ctx, &self->headers, "Content-Type", "application/cloudevents+json; charset=utf-8");

    for (uint64_t i = 0; code == SCRIP_OK && ctx->host->option_member(ctx, "header.*", i, &name, &value) == SCRIP_OK;
         i++)
        code = header_add(ctx, &self->headers, name, value);
    return code == SCRIP_OK ? header_add(ctx, &self->headers, "Expect", "") : code;
}

static int curl_make(struct scrip_ctx *ctx, struct hook *self)
{
    const char *ca_file = ctx->host->option_text(ctx, "ca_file");
    CURL *curl = self->curl = curl_easy_init();

    if (curl == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for requests");
    if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_URL, ctx->host->option_text(ctx, "url")) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(ctx->host->option_int(ctx, "timeout") / 1000)) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "scrip") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_take) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, self) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, self->why) != CURLE_OK ||
        (ca_file[0] && curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) != CURLE_OK))
        return scrip_fail(ctx, SCRIP_EINVALID, "libcurl takes no requests as these: use one with https");
    return SCRIP_OK;
}

static int hook_open(struct scrip_ctx *ctx)
{
    const char *url = ctx->host->option_text(ctx, "url");
    struct hook *self;
    int code;

    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: url: want one that begins with http:// or https://",
                          ctx->host->option_where(ctx, "url"));
    if (ctx->host->option_int(ctx, "timeout") < SCRIP_SECOND / 1000)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: timeout: want a fixed duration such as 10s",
                          ctx->host->option_where(ctx, "timeout"));
    self = calloc(1, sizeof *self);
    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "no memory for a hook");
    ctx->self = self;
    code = headers_make(ctx, self);
    return code == SCRIP_OK ? curl_make(ctx, self) : code;
}

static void hook_close(struct scrip_ctx *ctx)
{
    struct hook *self = ctx->self;

    if (self == NULL)
        return;
    curl_easy_cleanup(self->curl);
    curl_slist_free_all(self->headers);
    free(self);
    ctx->self = NULL;
}

/* Who answers that it is too busy, or cannot go on, is not there for the others either. */
static int answer_code(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504 ? SCRIP_EIO : SCRIP_EREFUSED;
}

static int request_end(struct scrip_ctx *ctx, struct hook *self, CURLcode result)
{
    long status = 0;

    if (result != CURLE_OK)
        return scrip_fail(ctx, SCRIP_EIO, "%s", self->why[0] ? self->why : curl_easy_strerror(result));
    curl_easy_getinfo(self->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300)
        return SCRIP_OK;
    self->answer[self->answer_size] = 0;
    return scrip_fail(ctx, answer_code(status), "answered %ld%s%s", status, self->answer[0] ? ": " : "", self->answer);
}

static int hook_deliver(struct scrip_ctx *ctx, const struct scrip_delivery *delivery)
{
    struct hook *self = ctx->self;
    struct curl_slist own = { NULL, self->headers };
    char signature[HEADER_SIZE];
    CURLcode result;

    self->answer_size = 0;
    self->why[0] = 0;
    snprintf(signature, sizeof signature, "Scrip-Signature: %s", delivery->signature);
    own.data = signature;
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, delivery->signature[0] ? &own : self->headers);
    curl_easy_setopt(self->curl, CURLOPT_POSTFIELDS, delivery->body);
    curl_easy_setopt(self->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)delivery->size);
    result = curl_easy_perform(self->curl);
    curl_easy_setopt(self->curl, CURLOPT_HTTPHEADER, self->headers); /* what is lent ends here */
    return request_end(ctx, self, result);
}

SCRIP_REPORT_PLUGIN("hook", "what was committed, and alerts, as signed HTTP requests", .options = options,
                    .open = hook_open, .close = hook_close, .deliver = hook_deliver);
