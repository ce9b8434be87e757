/* nats.c - the source `nats`: messages of a JetStream stream of NATS.
 *
 * A run reads the stream up to where it ended when it was opened. A cursor's position is the sequence number that is
 * wanted next: it is committed in the store together with the charges. The server keeps nothing of it; with purge = yes
 * it throws away what was committed. Without JetStream a NATS server forgets a message as it hands it out: what comes
 * while nobody listens, or before a crash, is lost; so this source takes none from such a server.
 *
 * scrip-needs: libnats libnats-dev
 * scrip-needs: yajl libyajl-dev
 */
#include <scrip/plugin.h>

#include "clock.h"
#include "message.h"
#include "secret.h"

#include <nats/nats.h>

#define BATCH 256
#define FETCH_MS 1000
#define SERVER_LIMIT 64

struct nats {
    struct message message;
    struct secret secret;
    natsConnection *conn;
    jsCtx *stream;
    natsSubscription *sub;
    natsMsgList list;
    int at;             /* next of the list */
    uint64_t next, end; /* sequence numbers: wanted next; behind the last one */
    uint64_t known;     /* the last one read in an earlier run, to be compared; 0: none */
    uint64_t first;
    int is_done; /* no more messages that are wanted */
    struct scrip_cursor from;
    int64_t heard_us;
};

static const struct scrip_option options[] = {
    { "servers", SCRIP_OPTION_LIST, NULL, NULL, 1, "nats://HOST:PORT, or tls://HOST:PORT, ..." },
    { "stream", SCRIP_OPTION_NAME, NULL, NULL, 1, "the JetStream stream to read" },
    { "subject", SCRIP_OPTION_NAME, NULL, NULL, 0, "only messages of this subject, as jobs.*; absent: all" },
    { "purge", SCRIP_OPTION_BOOL, "no", NULL, 0, "yes: what was committed is removed from the stream" },
    { "auth", SCRIP_OPTION_CHOICE, "token", "token,password,creds", 0,
      "what the credential is: a token; USER:PASSWORD; with creds credential_file is a .creds file" },
    { "ca_file", SCRIP_OPTION_PATH, NULL, NULL, 0, "certificates to trust, in place of the system's" },
    SECRET_OPTIONS,
    MESSAGE_OPTIONS,
    SCRIP_OPTIONS_END,
};

static int nats_source_open(struct scrip_ctx *ctx)
{
    struct nats *self = calloc(1, sizeof *self);
    const char *item;
    int code;

    ctx->self = self;
    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "nats: no memory");
    for (uint64_t i = 0; (item = ctx->host->option_item(ctx, "servers", i)) != NULL; i++)
        if (i == SERVER_LIMIT || strchr(item, '@') != NULL)
            return scrip_fail(ctx, SCRIP_EINVALID,
                              "%s: servers: want nats://HOST:PORT, %d at most; users and tokens belong into "
                              "credential_file",
                              ctx->host->option_where(ctx, "servers"), SERVER_LIMIT);
    if (strcmp(ctx->host->option_text(ctx, "auth"), "creds") == 0 && !ctx->host->option_given(ctx, "credential_file"))
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: auth = creds: want credential_file",
                          ctx->host->option_where(ctx, "auth"));
    if ((code = secret_options_check(ctx)) < 0)
        return code;
    return message_open(&self->message, ctx);
}

static void list_clear(struct nats *self)
{
    natsMsgList_Destroy(&self->list);
    memset(&self->list, 0, sizeof self->list);
    self->at = 0;
}

static void nats_feed_close(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;

    list_clear(self);
    natsSubscription_Destroy(self->sub);
    self->sub = NULL;
}

static void disconnect(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;

    nats_feed_close(ctx);
    jsCtx_Destroy(self->stream);
    natsConnection_Destroy(self->conn);
    self->stream = NULL;
    self->conn = NULL;
}

static void nats_source_close(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;

    if (self != NULL) {
        disconnect(ctx);
        message_close(&self->message);
        secret_wipe(&self->secret);
    }
    free(self);
    ctx->self = NULL;
}

/* ---- the connection --------------------------------------------------------------------------------------- */

static natsStatus credential_set(struct scrip_ctx *ctx, natsOptions *options_)
{
    struct nats *self = ctx->self;
    const char *auth = ctx->host->option_text(ctx, "auth");
    char user[SCRIP_NAME_SIZE + 1];
    const char *colon;

    if (strcmp(auth, "creds") == 0)
        return natsOptions_SetUserCredentialsFromFiles(options_, ctx->host->option_text(ctx, "credential_file"), NULL);
    if (self->secret.text[0] == 0)
        return NATS_OK;
    if (strcmp(auth, "token") == 0)
        return natsOptions_SetToken(options_, self->secret.text);
    colon = strchr(self->secret.text, ':');
    if (colon == NULL || colon - self->secret.text > SCRIP_NAME_SIZE)
        return NATS_INVALID_ARG;
    snprintf(user, sizeof user, "%.*s", (int)(colon - self->secret.text), self->secret.text);
    return natsOptions_SetUserInfo(options_, user, colon + 1);
}

/* The library does not connect anew by itself: reading goes on where we say. */
static natsStatus connect_once(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;
    const char *servers[SERVER_LIMIT], *item;
    natsOptions *made = NULL;
    jsOptions stream;
    natsStatus status = natsOptions_Create(&made);
    int count = 0;

    while (count < SERVER_LIMIT && (item = ctx->host->option_item(ctx, "servers", (uint64_t)count)) != NULL)
        servers[count++] = item;
    if (status == NATS_OK)
        status = natsOptions_SetServers(made, servers, count);
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(made, false);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(made, 5000);
    if (status == NATS_OK)
        status = natsOptions_SetName(made, "scrip");
    if (status == NATS_OK && ctx->host->option_given(ctx, "ca_file"))
        status = natsOptions_LoadCATrustedCertificates(made, ctx->host->option_text(ctx, "ca_file"));
    if (status == NATS_OK)
        status = credential_set(ctx, made);
    if (status == NATS_OK)
        status = natsConnection_Connect(&self->conn, made);
    natsOptions_Destroy(made);
    if (status == NATS_OK)
        status = jsOptions_Init(&stream);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&self->stream, self->conn, &stream);
    return status;
}

/* Until the server is there; as long as `retry` says, from when it was heard last. */
static int connect_again(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;
    int is_creds = strcmp(ctx->host->option_text(ctx, "auth"), "creds") == 0, code;
    natsStatus status;

    code = is_creds ? secret_file_open(ctx, ctx->host->option_text(ctx, "credential_file"))
                    : secret_read(ctx, &self->secret);
    if (code < 0)
        return code;
    if (is_creds)
        close(code); /* the library reads it */
    for (;;) {
        disconnect(ctx);
        status = connect_once(ctx);
        if (status == NATS_OK)
            return SCRIP_OK;
        if (status == NATS_CONNECTION_AUTH_FAILED || status == NATS_INVALID_ARG || status == NATS_SSL_ERROR)
            return scrip_fail(ctx, SCRIP_EINVALID,
                              "nats: the server does not take us: %s: see auth, credential_file, ca_file",
                              natsStatus_GetText(status));
        if (clock_us() - self->heard_us > ctx->host->option_int(ctx, "retry"))
            return scrip_fail(ctx, SCRIP_EIO, "nats: no server could be reached: %s: see servers",
                              natsStatus_GetText(status));
        clock_wait(SCRIP_SECOND / 5);
    }
}

/* ---- the stream ------------------------------------------------------------------------------------------- */

static int nats_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    char name[2 * SCRIP_NAME_SIZE];

    snprintf(name, sizeof name, "nats:%.250s", ctx->host->option_text(ctx, "stream"));
    return ctx->host->feed_add(ctx, out, name);
}

/* What the stream has: first and behind the last. */
static int range_ask(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;
    const char *name = ctx->host->option_text(ctx, "stream");
    jsStreamInfo *info = NULL;
    jsErrCode error = 0;
    natsStatus status;
    int code;

    for (;;) {
        if (self->conn == NULL && (code = connect_again(ctx)) < 0)
            return code;
        status = js_GetStreamInfo(&info, self->stream, name, NULL, &error);
        if (status == NATS_OK)
            break;
        if (error == JSStreamNotFoundErr)
            return scrip_fail(ctx, SCRIP_EINVALID, "nats: no stream '%s': make it, or mend stream", name);
        if (error == JSNotEnabledErr || error == JSNotEnabledForAccountErr || status == NATS_NO_RESPONDERS)
            return scrip_fail(ctx, SCRIP_EINVALID,
                              "nats: the server has no JetStream: without it messages are lost: start it with -js");
        if (clock_us() - self->heard_us > ctx->host->option_int(ctx, "retry"))
            return scrip_fail(ctx, SCRIP_EIO, "nats: no word of stream '%s': %s", name, natsStatus_GetText(status));
        disconnect(ctx);
    }
    self->first = info->State.FirstSeq > 0 ? info->State.FirstSeq : 1;
    self->end = info->State.LastSeq + 1;
    jsStreamInfo_Destroy(info);
    self->heard_us = clock_us();
    return SCRIP_OK;
}

/* Messages from self->next on: a consumer of our own, which the server forgets when we are gone. There may be none: the
 * last numbers of the stream may be those of other subjects, or of messages that were deleted. */
static natsStatus subscribe(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;
    const char *subject = ctx->host->option_given(ctx, "subject") ? ctx->host->option_text(ctx, "subject") : ">";
    jsConsumerInfo *info = NULL;
    jsSubOptions made;
    jsErrCode error = 0;
    natsStatus status;

    nats_feed_close(ctx);
    jsSubOptions_Init(&made);
    made.Stream = ctx->host->option_text(ctx, "stream");
    made.Config.DeliverPolicy = js_DeliverByStartSequence;
    made.Config.OptStartSeq = self->next;
    made.Config.AckPolicy = js_AckNone;
    status = js_PullSubscribe(&self->sub, self->stream, subject, NULL, NULL, &made, &error);
    if (status == NATS_OK)
        status = natsSubscription_GetConsumerInfo(&info, self->sub, NULL, &error);
    if (status == NATS_OK)
        self->is_done = info->NumPending == 0;
    jsConsumerInfo_Destroy(info);
    return status;
}

/* What is committed may go, where the section says so. */
static void nats_settled(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *cursor)
{
    struct nats *self = ctx->self;
    jsOptions made;
    jsErrCode error = 0;
    natsStatus status;

    if (!ctx->host->option_int(ctx, "purge") || self->stream == NULL)
        return;
    jsOptions_Init(&made);
    made.Stream.Purge.Sequence = cursor->position;
    if (ctx->host->option_given(ctx, "subject"))
        made.Stream.Purge.Subject = ctx->host->option_text(ctx, "subject");
    status = js_PurgeStream(self->stream, ctx->host->option_text(ctx, "stream"), &made, &error);
    if (status != NATS_OK)
        ctx->host->log(ctx, "%s: what was committed could not be purged: %s", feed, natsStatus_GetText(status));
}

/* On behind the last known message, which is read once more, where it is there, to see that it is the same. */
static int nats_feed_open(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *from)
{
    struct nats *self = ctx->self;
    int code;

    if (strncmp(feed, "nats:", 5) != 0)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: is a file: this source reads a stream, by `scrip run`", feed);
    self->heard_us = clock_us();
    if ((code = range_ask(ctx)) < 0)
        return code;
    if (from->position > 0 &&
        (code = message_range(ctx, feed, from->position, self->first, self->end, &self->next)) < 0)
        return code;
    if (from->position == 0)
        self->next = self->first;
    self->from = *from;
    self->known = from->position > 0 && self->next == from->position && self->next > self->first ? self->next - 1 : 0;
    self->is_done = self->next >= self->end;
    self->next -= self->known > 0;
    message_start(&self->message, feed);
    return SCRIP_OK;
}

/* ---- messages --------------------------------------------------------------------------------------------- */

/* The message at the cursor. 1: it is the known one. */
static int known_check(struct scrip_ctx *ctx, natsMsg *message, uint64_t sequence)
{
    struct nats *self = ctx->self;
    uint64_t size = (uint64_t)natsMsg_GetDataLength(message);
    int is_known;

    size = size > SCRIP_ROW_SIZE ? SCRIP_ROW_SIZE : size;
    is_known = sequence > self->known || (size == self->from.tail_size &&
                                          ctx->host->hash(natsMsg_GetData(message), size) == self->from.tail_hash);
    self->known = 0;
    if (is_known)
        return 1;
    ctx->host->log(ctx, "nats:%s: message %llu is another than it was: it is read from its start again",
                   ctx->host->option_text(ctx, "stream"), (unsigned long long)sequence);
    self->next = self->first;
    return 0;
}

static int message_take(struct scrip_ctx *ctx, struct scrip_rows *out, natsMsg *message, uint64_t *count)
{
    struct nats *self = ctx->self;
    const char *bytes = natsMsg_GetData(message);
    jsMsgMetaData *data = NULL;
    char place[SCRIP_NAME_SIZE + 64];
    uint64_t sequence;
    int code;

    if (natsMsg_GetMetaData(&data, message) != NATS_OK)
        return scrip_fail(ctx, SCRIP_EIO, "nats: a message that is none of a stream");
    sequence = data->Sequence.Stream;
    self->is_done = data->NumPending == 0 || sequence + 1 >= self->end;
    jsMsgMetaData_Destroy(data);
    if (sequence < self->next || sequence >= self->end)
        return SCRIP_OK; /* what came since is the next run's */
    if (self->known > 0) {
        uint64_t known = self->known;

        if (!known_check(ctx, message, sequence)) {
            self->is_done = 0;
            nats_feed_close(ctx);
            return SCRIP_OK;
        }
        if (sequence == known) {
            self->next = sequence + 1;
            return SCRIP_OK;
        }
    }
    self->next = sequence + 1;
    (*count)++;
    snprintf(place, sizeof place, "%s/%llu", ctx->host->option_text(ctx, "stream"), (unsigned long long)sequence);
    code = message_give(&self->message, ctx, out, bytes ? bytes : "", (uint64_t)natsMsg_GetDataLength(message),
                        self->next, place);
    return code;
}

/* More messages into the list. 1: some; 0: none yet, or all is begun anew after a fault. */
static int list_fill(struct scrip_ctx *ctx)
{
    struct nats *self = ctx->self;
    jsErrCode error = 0;
    natsStatus status;
    int code;

    list_clear(self);
    if (self->conn == NULL && (code = connect_again(ctx)) < 0)
        return code;
    status = self->sub ? NATS_OK : subscribe(ctx);
    if (status == NATS_OK && self->is_done)
        return 0;
    if (status == NATS_OK)
        status = natsSubscription_Fetch(&self->list, self->sub, BATCH, FETCH_MS, &error);
    if (status == NATS_OK && self->list.Count > 0) {
        self->heard_us = clock_us();
        return 1;
    }
    if (clock_us() - self->heard_us > ctx->host->option_int(ctx, "retry"))
        return scrip_fail(ctx, SCRIP_EIO, "nats:%s: no message for %lld s, at %llu of %llu: %s",
                          ctx->host->option_text(ctx, "stream"),
                          (long long)(ctx->host->option_int(ctx, "retry") / SCRIP_SECOND),
                          (unsigned long long)self->next, (unsigned long long)self->end, natsStatus_GetText(status));
    if (status == NATS_TIMEOUT && natsConnection_Status(self->conn) == NATS_CONN_STATUS_CONNECTED)
        return 0;
    ctx->host->log(ctx, "nats:%s: %s: reading goes on at message %llu", ctx->host->option_text(ctx, "stream"),
                   natsStatus_GetText(status), (unsigned long long)self->next);
    disconnect(ctx);
    return 0;
}

static int nats_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct nats *self = ctx->self;
    uint64_t count = 0;
    int code = SCRIP_OK;

    while (count < limit && code >= 0 && !self->is_done) {
        if (self->at < self->list.Count)
            code = message_take(ctx, out, self->list.Msgs[self->at++], &count);
        else
            code = list_fill(ctx);
    }
    return code < 0 ? code : !self->is_done;
}

SCRIP_SOURCE_PLUGIN("nats", "messages of a NATS JetStream stream: native events, or JSON by a map", .options = options,
                    .open = nats_source_open, .close = nats_source_close, .feeds = nats_feeds,
                    .feed_open = nats_feed_open, .read = nats_read, .feed_close = nats_feed_close,
                    .settled = nats_settled);
