/* http_call.h - one request and its answer, whose body goes into a file. The only file that knows the HTTP library.
 *
 * Certificates are always checked. The credential goes to the origin (scheme, host, port) of the section's `url` alone,
 * also where a redirect, a next page or a download leads elsewhere; redirects never lead from https to http.
 */
#ifndef SCRIP_HTTP_CALL_H
#define SCRIP_HTTP_CALL_H

#include "secret.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

#define CALL_OPTIONS                                                                                                  \
    { "auth", SCRIP_OPTION_CHOICE, "bearer", "bearer,basic,header", 0,                                                \
      "how the credential is sent: `Authorization: Bearer`; USER:PASSWORD; the header of `auth_header`" },            \
        { "token_url", SCRIP_OPTION_TEXT, NULL, NULL, 0,                                                              \
          "where CLIENT:SECRET, the credential then, gets an access token (OAuth 2.0)" },                             \
        { "token_body", SCRIP_OPTION_TEXT, "grant_type=client_credentials", NULL, 0, "the form posted there" },       \
        { "auth_header", SCRIP_OPTION_NAME, NULL, NULL, 0, "name of the credential's header, with auth = header" },   \
        { "header.*", SCRIP_OPTION_TEXT, NULL, NULL, 0, "header.NAME = TEXT: with each request to that origin" },     \
        { "connect_timeout", SCRIP_OPTION_DURATION, "30s", NULL, 0, "to reach the server" },                          \
        { "timeout", SCRIP_OPTION_DURATION, "60s", NULL, 0,                                                           \
          "silence within an answer, after which it is given up" },                                                   \
        { "time_limit", SCRIP_OPTION_DURATION, "1h", NULL, 0, "for one answer as a whole" },                          \
        { "size_limit", SCRIP_OPTION_INT, "1073741824", NULL, 0, "bytes of one answer" },                             \
        { "redirects", SCRIP_OPTION_INT, "5", NULL, 0, "that one request may be led through" },                       \
        { "ca_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "certificates to trust, in place of the system's" },           \
        SECRET_OPTIONS

struct call {
    struct scrip_ctx *ctx;
    CURL *curl;
    struct secret secret;
    struct secret token; /* that the credential got from token_url */
    int is_token;        /* such a token is being asked for */
    char *origin;        /* of the section's url */
    char *token_origin;  /* of its token_url */
    FILE *body;          /* of the last answer, at its begin */
    uint64_t size, size_limit;
    int is_too_long;
    long status;
    int64_t retry_after_us; /* what the server asks for; 0: nothing */
    char type[64];          /* of the body, without parameters, in small letters */
    char *address;          /* that answered, behind redirects: what links in the answer are relative to */
    char *next;             /* link to the next page from the header; "" */
    char shown[320];        /* METHOD and address without its query, for messages */
    char fault[CURL_ERROR_SIZE];
};

static inline int call_memory_fault(struct scrip_ctx *ctx)
{
    return scrip_fail(ctx, SCRIP_ENOMEM, "http: no memory");
}

/* ---- addresses -------------------------------------------------------------------------------------------- */

/* A part of an address, to be freed with curl_free; NULL: it has none. */
static inline char *call_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text : NULL;
}

/* "https://host:443" of an address, to be freed; NULL: it is none. */
static inline char *call_origin(const char *address)
{
    CURLU *parsed = curl_url();
    char *out = NULL;

    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, address, 0) == CURLUE_OK) {
        char *scheme = call_part(parsed, CURLUPART_SCHEME), *host = call_part(parsed, CURLUPART_HOST);
        char *port = call_part(parsed, CURLUPART_PORT);

        if (scheme && host && port && asprintf(&out, "%s://%s:%s", scheme, host, port) < 0)
            out = NULL;
        for (char *at = out; at && *at; at++)
            *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
        curl_free(scheme);
        curl_free(host);
        curl_free(port);
    }
    curl_url_cleanup(parsed);
    return out;
}

/* An address as its own base reads it, to be freed; NULL: it is none. */
static inline char *call_join(const char *base, const char *address)
{
    CURLU *parsed = curl_url();
    char *text = NULL, *out = NULL;

    if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(parsed, CURLUPART_URL, address, 0) == CURLUE_OK &&
        (text = call_part(parsed, CURLUPART_URL)) != NULL)
        out = strdup(text);
    curl_free(text);
    curl_url_cleanup(parsed);
    return out;
}

/* Queries of links are often credentials themselves. */
static inline void call_show(struct call *call, const char *method, const char *address)
{
    snprintf(call->shown, sizeof call->shown, "%s %.*s", method, (int)strcspn(address, "?#"), address);
}

static inline int call_is_local(const char *origin)
{
    static const char *const hosts[] = { "http://localhost:", "http://127.0.0.1:", "http://[::1]:" };

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strncmp(origin, hosts[i], strlen(hosts[i])) == 0)
            return 1;
    return 0;
}

/* The section's address: http or https, no password in it, and no credential in clear over a net. */
static inline int call_address_check(struct scrip_ctx *ctx, const char *key, const char *origin)
{
    const char *address = ctx->host->option_text(ctx, key), *where = ctx->host->option_where(ctx, key);
    size_t host = strncmp(address, "https://", 8) == 0 ? 8 : strncmp(address, "http://", 7) == 0 ? 7 : 0;

    if (origin == NULL || host == 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: is no address: want https://HOST/PATH", where, key);
    if (memchr(address, '@', host + strcspn(address + host, "/?#")) != NULL)
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "%s: %s: names a user in the address: put USER:PASSWORD into credential_file, with "
                          "auth = basic",
                          where, key);
    if (host == 7 && secret_is_wanted(ctx) && !call_is_local(origin))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: would send the credential in clear: want https://", where, key);
    return SCRIP_OK;
}

/* ---- begin and end ---------------------------------------------------------------------------------------- */

static inline int call_options_check(struct scrip_ctx *ctx)
{
    static const char *const least[] = { "connect_timeout", "timeout", "time_limit", "size_limit" };
    const struct scrip_host *host = ctx->host;

    for (size_t i = 0; i < sizeof least / sizeof *least; i++)
        if (host->option_int(ctx, least[i]) < (i < 3 ? SCRIP_SECOND : 1))
            return scrip_fail(ctx, SCRIP_EINVALID, "%s: %s: want %s or more", host->option_where(ctx, least[i]),
                              least[i], i < 3 ? "1s" : "1");
    if (host->option_int(ctx, "redirects") < 0 || host->option_int(ctx, "redirects") > 50)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: redirects: want 0 to 50", host->option_where(ctx, "redirects"));
    if (host->option_given(ctx, "token_url") &&
        (!secret_is_wanted(ctx) || strcmp(host->option_text(ctx, "auth"), "bearer") != 0))
        return scrip_fail(ctx, SCRIP_EINVALID,
                          "%s: token_url: want credential_file or credential_env with CLIENT:SECRET, and no `auth`",
                          host->option_where(ctx, "token_url"));
    if ((strcmp(host->option_text(ctx, "auth"), "header") == 0) != host->option_given(ctx, "auth_header"))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: auth: `header` and auth_header = NAME go together",
                          host->option_where(ctx, "auth"));
    return secret_options_check(ctx);
}

static inline int call_open(struct call *call, struct scrip_ctx *ctx)
{
    int code = call_options_check(ctx);

    call->ctx = ctx;
    if (code < 0)
        return code;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || (call->curl = curl_easy_init()) == NULL)
        return call_memory_fault(ctx);
    call->origin = call_origin(ctx->host->option_text(ctx, "url"));
    call->size_limit = (uint64_t)ctx->host->option_int(ctx, "size_limit");
    if (ctx->host->option_given(ctx, "token_url")) {
        call->token_origin = call_origin(ctx->host->option_text(ctx, "token_url"));
        if ((code = call_address_check(ctx, "token_url", call->token_origin)) < 0)
            return code;
    }
    return call_address_check(ctx, "url", call->origin);
}

static inline void call_close(struct call *call)
{
    if (call->curl != NULL) {
        curl_easy_cleanup(call->curl);
        curl_global_cleanup();
    }
    if (call->body != NULL)
        fclose(call->body);
    free(call->origin);
    free(call->token_origin);
    free(call->next);
    free(call->address);
    secret_wipe(&call->secret);
    secret_wipe(&call->token);
}

/* ---- one exchange ----------------------------------------------------------------------------------------- */

static inline size_t call_on_body(char *bytes, size_t one, size_t size, void *to)
{
    struct call *call = to;

    call->size += size;
    call->is_too_long = call->size > call->size_limit;
    return call->is_too_long ? 0 : fwrite(bytes, one, size, call->body);
}

/* Adds "NAME: SCHEME TEXT"; NULL: no memory, and all are freed. */
static inline struct curl_slist *call_header(struct curl_slist *list, const char *name, const char *scheme,
                                             const char *text)
{
    char *line = NULL;
    struct curl_slist *longer =
        asprintf(&line, "%s: %s%s", name, scheme, text) < 0 ? NULL : curl_slist_append(list, line);

    if (line != NULL)
        explicit_bzero(line, strlen(line));
    free(line);
    if (longer == NULL)
        curl_slist_free_all(list);
    return longer;
}

/* Headers of a request; what the section gives goes to its own origin alone. */
static inline struct curl_slist *call_headers(struct call *call, int is_home, int has_body)
{
    struct scrip_ctx *ctx = call->ctx;
    const char *auth = ctx->host->option_text(ctx, "auth"), *name, *text;
    struct curl_slist *list = call_header(NULL, "Accept", "", "*/*");

    if (list && has_body)
        list = call_header(list, "Content-Type", "",
                           call->is_token ? "application/x-www-form-urlencoded" : "application/json");
    if (call->is_token)
        return list;
    for (uint64_t i = 0; is_home && list && ctx->host->option_member(ctx, "header.*", i, &name, &text) == SCRIP_OK; i++)
        list = call_header(list, name, "", text);
    if (is_home && list != NULL && call->token.text[0])
        return call_header(list, "Authorization", "Bearer ", call->token.text);
    if (!is_home || !call->secret.text[0] || list == NULL || strcmp(auth, "basic") == 0)
        return list;
    if (strcmp(auth, "header") == 0)
        return call_header(list, ctx->host->option_text(ctx, "auth_header"), "", call->secret.text);
    return call_header(list, "Authorization", "Bearer ", call->secret.text);
}

/* The link with rel="next" of the header Link. */
static inline void call_next_find(struct call *call)
{
    struct curl_header *header;

    free(call->next);
    call->next = NULL;
    for (size_t i = 0;
         call->next == NULL && curl_easy_header(call->curl, "Link", i, CURLH_HEADER, -1, &header) == CURLHE_OK; i++)
        for (const char *at = header->value; call->next == NULL && (at = strchr(at, '<')) != NULL; at++) {
            const char *end = strchr(at, '>'), *stop = end ? end + strcspn(end, ",") : NULL;
            const char *rel = end ? strcasestr(end, "rel=") : NULL;

            if (rel != NULL && rel < stop && strncasecmp(rel + 4 + (rel[4] == '"'), "next", 4) == 0)
                call->next = strndup(at + 1, (size_t)(end - at) - 1);
        }
}

static inline void call_answer_read(struct call *call)
{
    const char *type = NULL;
    curl_off_t after = 0;
    size_t n;

    curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &call->status);
    curl_easy_getinfo(call->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(call->curl, CURLINFO_RETRY_AFTER, &after);
    call->retry_after_us = after > 0 && after < 1000000000 ? (int64_t)after * SCRIP_SECOND : 0;
    n = type ? strcspn(type, "; ") : 0;
    snprintf(call->type, sizeof call->type, "%.*s", (int)(n < 60 ? n : 60), type ? type : "");
    for (char *at = call->type; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
    call_next_find(call);
}

static inline void call_set(struct call *call, const char *address, const char *body, int is_home)
{
    const struct scrip_host *host = call->ctx->host;
    CURL *curl = call->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (host->option_given(call->ctx, "ca_file"))
        curl_easy_setopt(curl, CURLOPT_CAINFO, host->option_text(call->ctx, "ca_file"));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "scrip");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(host->option_int(call->ctx, "connect_timeout") / 1000));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(host->option_int(call->ctx, "timeout") / SCRIP_SECOND));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(host->option_int(call->ctx, "time_limit") / 1000));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->fault);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, call_on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    if (is_home && call->secret.text[0] &&
        (call->is_token || strcmp(host->option_text(call->ctx, "auth"), "basic") == 0)) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERPWD, call->secret.text);
    }
}

/* An empty file for the next body. */
static inline int call_body_clear(struct call *call)
{
    if (call->body == NULL && (call->body = tmpfile()) == NULL)
        return scrip_fail(call->ctx, SCRIP_EIO, "http: no file for the answer in the folder for temporary files: %s",
                          strerror(errno));
    rewind(call->body);
    if (ftruncate(fileno(call->body), 0) < 0)
        return scrip_fail(call->ctx, SCRIP_EIO, "http: temporary file: %s", strerror(errno));
    call->size = 0;
    call->is_too_long = 0;
    return SCRIP_OK;
}

/* Asks once, without redirects. 1: answered; 0: it was not, call->fault says why; or a fault of this machine. */
static inline int call_once(struct call *call, const char *address, const char *body)
{
    char *origin = call_origin(address);
    int is_home = origin != NULL && strcmp(origin, call->is_token ? call->token_origin : call->origin) == 0;
    int code = call_body_clear(call);
    struct curl_slist *headers;
    CURLcode found;

    free(origin);
    if (code < 0)
        return code;
    if ((headers = call_headers(call, is_home, body != NULL)) == NULL)
        return call_memory_fault(call->ctx);
    call_set(call, address, body, is_home);
    curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, headers);
    call->fault[0] = 0;
    found = curl_easy_perform(call->curl);
    curl_slist_free_all(headers);
    if (call->is_too_long)
        return scrip_fail(call->ctx, SCRIP_ELIMIT,
                          "%s: an answer longer than %llu bytes: ask for less at a time, or raise size_limit",
                          call->shown, (unsigned long long)call->size_limit);
    if (found == CURLE_WRITE_ERROR || fflush(call->body) != 0)
        return scrip_fail(call->ctx, SCRIP_EIO, "%s: the answer cannot be kept: %s: make room for temporary files",
                          call->shown, strerror(errno));
    if (found != CURLE_OK) {
        if (call->fault[0] == 0)
            snprintf(call->fault, sizeof call->fault, "%s", curl_easy_strerror(found));
        if (found == CURLE_PEER_FAILED_VERIFICATION || found == CURLE_SSL_CACERT_BADFILE)
            return scrip_fail(call->ctx, SCRIP_EIO, "%s: its certificate is not trusted: %s: see ca_file", call->shown,
                              call->fault);
        if (found == CURLE_UNSUPPORTED_PROTOCOL || found == CURLE_URL_MALFORMAT)
            return scrip_fail(call->ctx, SCRIP_EIO, "%s: leads to an address that is none of http or https: %s",
                              call->shown, call->fault);
        return 0;
    }
    call_answer_read(call);
    rewind(call->body);
    return 1;
}

/* Where the last answer leads, to be freed; NULL: nowhere. */
static inline char *call_redirect(struct call *call)
{
    char *to = NULL;

    if (call->status / 100 != 3)
        return NULL;
    curl_easy_getinfo(call->curl, CURLINFO_REDIRECT_URL, &to);
    return to ? strdup(to) : NULL;
}

/* Asks, and follows where it is led. body NULL: GET, else POST. As call_once. */
static inline int call_ask(struct call *call, const char *address, const char *body)
{
    int64_t left = call->ctx->host->option_int(call->ctx, "redirects");
    char *at = strdup(address), *to;
    int code = secret_read(call->ctx, &call->secret);

    if (code == SCRIP_OK && at == NULL)
        code = call_memory_fault(call->ctx);
    if (code == SCRIP_OK) {
        call_show(call, body ? "POST" : "GET", address);
        code = call_once(call, at, body);
    }
    while (code == 1 && (to = call_redirect(call)) != NULL) {
        if (left-- == 0)
            code = scrip_fail(call->ctx, SCRIP_EIO, "%s: is led on by more than `redirects` answers", call->shown);
        else if (strncmp(at, "https:", 6) == 0 && strncmp(to, "https:", 6) != 0)
            code = scrip_fail(call->ctx, SCRIP_EIO, "%s: is led from https to an address without it", call->shown);
        free(at);
        at = to;
        if (code < 0)
            break;
        if (call->status != 307 && call->status != 308)
            body = NULL;
        code = call_once(call, at, body);
    }
    free(call->address);
    call->address = at;
    return code;
}

#endif
