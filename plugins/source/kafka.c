/* kafka.c - the source `kafka`: messages of Kafka topics, each partition a feed.
 *
 * A run reads each partition up to where it ended when it was opened. A cursor's position is the offset that is wanted
 * next: it is committed in the store together with the charges, and where a `group` is named the broker is told of it
 * afterwards, for those who watch its lag. Messages of transactions that were aborted are not read.
 *
 * scrip-needs: rdkafka librdkafka-dev
 * scrip-needs: yajl libyajl-dev
 */
#include <scrip/plugin.h>

#include "clock.h"
#include "message.h"
#include "secret.h"

#include <librdkafka/rdkafka.h>

#define POLL_MS 200
#define PARTITION_LIMIT 10000

struct kafka {
    struct message message;
    struct secret secret;
    rd_kafka_t *client; /* once something was asked for */
    rd_kafka_topic_partition_list_t *assigned;
    char topic[SCRIP_NAME_SIZE + 1];
    int32_t partition;
    int64_t next, end; /* offsets of the feed: wanted next; behind the last one */
    int64_t known;     /* the last one read in an earlier run, to be compared; -1: none */
    int64_t first;     /* the oldest one there */
    struct scrip_cursor from;
    int64_t heard_us; /* when the broker answered last */
    char fault[256];  /* what went wrong last, for the message when it is given up */
};

static const struct scrip_option options[] = {
    { "brokers", SCRIP_OPTION_TEXT, NULL, NULL, 1, "HOST:PORT, HOST:PORT ... to begin with" },
    { "topics", SCRIP_OPTION_LIST, NULL, NULL, 1, "topics to read, each with all its partitions" },
    { "group", SCRIP_OPTION_NAME, NULL, NULL, 0,
      "consumer group whose offsets follow what was committed; absent: none" },
    { "config.*", SCRIP_OPTION_TEXT, NULL, NULL, 0,
      "config.PROPERTY = TEXT: a property of librdkafka: config.security.protocol = SASL_SSL" },
    { "credential", SCRIP_OPTION_NAME, "sasl.password", NULL, 0, "the property that the credential is" },
    SECRET_OPTIONS,
    MESSAGE_OPTIONS,
    SCRIP_OPTIONS_END,
};

/* ---- the section ------------------------------------------------------------------------------------------ */

/* What this source decides, or what belongs into a credential. */
static int config_check(struct scrip_ctx *ctx)
{
    static const char *const own[] = { "bootstrap.servers",  "metadata.broker.list", "group.id",
                                       "enable.auto.commit", "enable.partition.eof", "auto.offset.reset" };
    static const char *const secrets[] = { "sasl.password",
                                           "ssl.key.password",
                                           "ssl.keystore.password",
                                           "ssl.key.pem",
                                           "sasl.oauthbearer.client.secret",
                                           "sasl.oauthbearer.config" };
    const char *name, *text;

    for (uint64_t n = 0; ctx->host->option_member(ctx, "config.*", n, &name, &text) == SCRIP_OK; n++) {
        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            if (strcmp(name, own[i]) == 0)
                return scrip_fail(ctx, SCRIP_EINVALID, "config.%s: is this source's own: see brokers, group", name);
        for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
            if (strcmp(name, secrets[i]) == 0)
                return scrip_fail(ctx, SCRIP_EINVALID, "config.%s: put it into credential_file, with credential = %s",
                                  name, name);
    }
    return secret_options_check(ctx);
}

static int kafka_open(struct scrip_ctx *ctx)
{
    struct kafka *self = calloc(1, sizeof *self);
    int code;

    ctx->self = self;
    if (self == NULL)
        return scrip_fail(ctx, SCRIP_ENOMEM, "kafka: no memory");
    if ((code = config_check(ctx)) < 0)
        return code;
    return message_open(&self->message, ctx);
}

static void kafka_feed_close(struct scrip_ctx *ctx)
{
    struct kafka *self = ctx->self;

    if (self->client != NULL && self->assigned != NULL)
        rd_kafka_assign(self->client, NULL);
    if (self->assigned != NULL)
        rd_kafka_topic_partition_list_destroy(self->assigned);
    self->assigned = NULL;
}

static void kafka_close(struct scrip_ctx *ctx)
{
    struct kafka *self = ctx->self;

    if (self != NULL) {
        kafka_feed_close(ctx);
        if (self->client != NULL) {
            rd_kafka_consumer_close(self->client);
            rd_kafka_destroy(self->client);
        }
        message_close(&self->message);
        secret_wipe(&self->secret);
    }
    free(self);
    ctx->self = NULL;
}

/* ---- the client ------------------------------------------------------------------------------------------- */

/* Called in rd_kafka_consumer_poll, so on our own thread. */
static void on_error(rd_kafka_t *client, int code, const char *reason, void *to)
{
    struct kafka *self = to;

    (void)client;
    snprintf(self->fault, sizeof self->fault, "%s: %s", rd_kafka_err2str((rd_kafka_resp_err_t)code), reason);
}

/* The library's own words come from threads of its own, to no use for who reads ours. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client, (void)level, (void)facility, (void)text;
}

static int property_set(struct scrip_ctx *ctx, rd_kafka_conf_t *conf, const char *name, const char *text, int is_secret)
{
    char why[256] = "";

    if (rd_kafka_conf_set(conf, name, text, why, sizeof why) == RD_KAFKA_CONF_OK)
        return SCRIP_OK;
    return scrip_fail(ctx, SCRIP_EINVALID, "kafka: the property %s is refused: %s", name,
                      is_secret ? "is it one" : why);
}

static int properties_set(struct scrip_ctx *ctx, rd_kafka_conf_t *conf)
{
    struct kafka *self = ctx->self;
    const struct scrip_host *host = ctx->host;
    const char *group = host->option_text(ctx, "group"), *name, *text;
    /* A simple consumer needs a group's name, too; it commits nothing under this one. */
    const char *const own[][2] = { { "bootstrap.servers", host->option_text(ctx, "brokers") },
                                   { "group.id", group[0] ? group : "scrip" },
                                   { "client.id", "scrip" },
                                   { "enable.auto.commit", "false" },
                                   { "enable.partition.eof", "true" },
                                   { "auto.offset.reset", "error" } };
    int code = secret_read(ctx, &self->secret);

    for (size_t i = 0; i < sizeof own / sizeof *own && code == SCRIP_OK; i++)
        code = property_set(ctx, conf, own[i][0], own[i][1], 0);
    for (uint64_t n = 0; code == SCRIP_OK && host->option_member(ctx, "config.*", n, &name, &text) == SCRIP_OK; n++)
        code = property_set(ctx, conf, name, text, 0);
    if (code == SCRIP_OK && self->secret.text[0])
        code = property_set(ctx, conf, host->option_text(ctx, "credential"), self->secret.text, 1);
    return code;
}

static int client_get(struct scrip_ctx *ctx)
{
    struct kafka *self = ctx->self;
    rd_kafka_conf_t *conf;
    char why[256] = "";
    int code;

    if (self->client != NULL)
        return SCRIP_OK;
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_opaque(conf, self);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_log_cb(conf, on_log);
    code = properties_set(ctx, conf);
    if (code == SCRIP_OK && (self->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why)) == NULL)
        code = scrip_fail(ctx, SCRIP_EINVALID, "kafka: %s", why);
    if (code < 0)
        rd_kafka_conf_destroy(conf);
    else
        rd_kafka_poll_set_consumer(self->client);
    return code;
}

/* After a request failed: 1: once more; else the fault, when it took longer than `retry`. */
static int again(struct scrip_ctx *ctx, const char *what, rd_kafka_resp_err_t error, int64_t begun_us)
{
    struct kafka *self = ctx->self;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(self->client, POLL_MS); /* serves on_error */

    if (message != NULL)
        rd_kafka_message_destroy(message);
    if (clock_us() - begun_us < ctx->host->option_int(ctx, "retry"))
        return 1;
    return scrip_fail(ctx, SCRIP_EIO, "kafka: %s: %s%s%s: see brokers", what, rd_kafka_err2str(error),
                      self->fault[0] ? "; " : "", self->fault);
}

/* ---- feeds ------------------------------------------------------------------------------------------------ */

static int topic_feeds(struct scrip_ctx *ctx, struct scrip_rows *out, const rd_kafka_metadata_topic_t *topic)
{
    char name[SCRIP_NAME_SIZE + 32];
    int code = SCRIP_OK;

    if (topic->partition_cnt > PARTITION_LIMIT || strlen(topic->topic) > SCRIP_NAME_SIZE)
        return scrip_fail(ctx, SCRIP_ELIMIT, "kafka: topic %.80s: more than %d partitions", topic->topic,
                          PARTITION_LIMIT);
    for (int i = 0; i < topic->partition_cnt && code == SCRIP_OK; i++) {
        snprintf(name, sizeof name, "kafka:%s/%d", topic->topic, i);
        code = ctx->host->feed_add(ctx, out, name);
    }
    return code;
}

/* The partitions of one topic, as the brokers know them. */
static int topic_ask(struct scrip_ctx *ctx, struct scrip_rows *out, const char *name)
{
    struct kafka *self = ctx->self;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(self->client, name, NULL);
    const struct rd_kafka_metadata *data;
    rd_kafka_resp_err_t error;
    int64_t begun_us = clock_us();
    int code = 1;

    if (topic == NULL)
        return scrip_fail(ctx, SCRIP_EINVALID, "kafka: topic %.80s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
    while (code == 1) {
        error = rd_kafka_metadata(self->client, 0, topic, &data, 2000);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            error = data->topic_cnt ? data->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
            if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
                code = topic_feeds(ctx, out, &data->topics[0]);
            else if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                     error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
                code = scrip_fail(ctx, SCRIP_EINVALID, "kafka: topic %.80s: %s: mend topics", name,
                                  rd_kafka_err2str(error));
            rd_kafka_metadata_destroy(data);
        }
        if (code == 1)
            code = again(ctx, "no word of its topics", error, begun_us);
    }
    rd_kafka_topic_destroy(topic);
    return code;
}

static int kafka_feeds(struct scrip_ctx *ctx, struct scrip_rows *out)
{
    const char *name;
    int code = client_get(ctx);

    for (uint64_t i = 0; code == SCRIP_OK && (name = ctx->host->option_item(ctx, "topics", i)) != NULL; i++)
        code = topic_ask(ctx, out, name);
    return code;
}

/* "kafka:TOPIC/PARTITION" taken apart. */
static int feed_parse(struct scrip_ctx *ctx, const char *feed)
{
    struct kafka *self = ctx->self;
    const char *slash = strrchr(feed, '/');

    if (strncmp(feed, "kafka:", 6) != 0 || slash == NULL || slash - feed - 6 > SCRIP_NAME_SIZE)
        return scrip_fail(ctx, SCRIP_EINVALID, "%s: is a file: this source reads topics, by `scrip run`", feed);
    snprintf(self->topic, sizeof self->topic, "%.*s", (int)(slash - feed - 6), feed + 6);
    self->partition = (int32_t)strtol(slash + 1, NULL, 10);
    return SCRIP_OK;
}

static int range_ask(struct scrip_ctx *ctx)
{
    struct kafka *self = ctx->self;
    rd_kafka_resp_err_t error;
    int64_t begun_us = clock_us();
    int code = SCRIP_OK;

    while ((error = rd_kafka_query_watermark_offsets(self->client, self->topic, self->partition, &self->first,
                                                     &self->end, 2000)) != RD_KAFKA_RESP_ERR_NO_ERROR)
        if ((code = again(ctx, "no word of a partition's offsets", error, begun_us)) != 1)
            return code;
    return SCRIP_OK;
}

/* Reading begins at self->next. */
static int assign(struct scrip_ctx *ctx)
{
    struct kafka *self = ctx->self;
    rd_kafka_resp_err_t error;

    kafka_feed_close(ctx);
    self->assigned = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(self->assigned, self->topic, self->partition)->offset = self->next;
    error = rd_kafka_assign(self->client, self->assigned);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return scrip_fail(ctx, SCRIP_EIO, "kafka: %s/%d: %s", self->topic, (int)self->partition,
                          rd_kafka_err2str(error));
    self->heard_us = clock_us();
    return SCRIP_OK;
}

/* The group's offset follows; it decides nothing here, so a fault is told and no more. */
static void kafka_settled(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *cursor)
{
    struct kafka *self = ctx->self;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t error;

    if (!ctx->host->option_given(ctx, "group") || self->client == NULL || feed_parse(ctx, feed) < 0)
        return;
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, self->topic, self->partition)->offset = (int64_t)cursor->position;
    error = rd_kafka_commit(self->client, list, 0);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        ctx->host->log(ctx, "%s: the group's offset could not be moved: %s", feed, rd_kafka_err2str(error));
    rd_kafka_topic_partition_list_destroy(list);
}

/* On behind the last known message, which is read once more to see that it is the same. */
static int kafka_feed_open(struct scrip_ctx *ctx, const char *feed, const struct scrip_cursor *from)
{
    struct kafka *self = ctx->self;
    uint64_t next;
    int code;

    if ((code = feed_parse(ctx, feed)) < 0 || (code = client_get(ctx)) < 0 || (code = range_ask(ctx)) < 0)
        return code;
    if (from->position > 0)
        kafka_settled(ctx, feed, from); /* the run before may have been cut short */
    if (from->position == 0)
        next = (uint64_t)self->first; /* what was thrown away before was never promised */
    else if ((code = message_range(ctx, feed, from->position, (uint64_t)self->first, (uint64_t)self->end, &next)) < 0)
        return code;
    self->from = *from;
    self->next = (int64_t)next;
    self->known = from->position > 0 && next == from->position && self->next > self->first ? self->next - 1 : -1;
    self->next -= self->known >= 0;
    message_start(&self->message, feed);
    return assign(ctx);
}

/* ---- messages --------------------------------------------------------------------------------------------- */

/* The message at the cursor: 1: it is the known one, or was compacted away. */
static int known_check(struct scrip_ctx *ctx, const rd_kafka_message_t *message)
{
    struct kafka *self = ctx->self;
    uint64_t size = message->len > SCRIP_ROW_SIZE ? SCRIP_ROW_SIZE : message->len;
    int is_known = message->offset > self->known ||
                   (size == self->from.tail_size && ctx->host->hash(message->payload, size) == self->from.tail_hash);

    self->known = -1;
    if (is_known)
        return 1;
    ctx->host->log(ctx, "kafka:%s/%d: message %lld is another than it was: it is read from its start again",
                   self->topic, (int)self->partition, (long long)message->offset);
    self->next = self->first;
    return 0;
}

/* 1: a row, or none yet; 0: the end. */
static int message_take(struct scrip_ctx *ctx, struct scrip_rows *out, const rd_kafka_message_t *message,
                        uint64_t *count)
{
    struct kafka *self = ctx->self;
    char place[SCRIP_NAME_SIZE + 64];
    int code;

    self->heard_us = clock_us();
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return 0;
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return scrip_fail(ctx, SCRIP_EIO, "kafka:%s/%d: message %lld is gone while it was read: run again", self->topic,
                          (int)self->partition, (long long)self->next);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return scrip_fail(ctx, SCRIP_EIO, "kafka:%s/%d: %s", self->topic, (int)self->partition,
                          rd_kafka_message_errstr(message));
    if (message->offset < self->next)
        return 1; /* of an assignment before */
    if (self->known >= 0) {
        int64_t known = self->known;

        if (!known_check(ctx, message))
            return (code = assign(ctx)) < 0 ? code : 1;
        if (message->offset == known) {
            self->next = message->offset + 1;
            return self->next < self->end;
        }
    }
    snprintf(place, sizeof place, "%s/%d/%lld", self->topic, (int)self->partition, (long long)message->offset);
    self->next = message->offset + 1;
    (*count)++;
    code = message_give(&self->message, ctx, out, message->payload ? message->payload : "", message->len,
                        (uint64_t)self->next, place);
    return code < 0 ? code : self->next < self->end;
}

static int kafka_read(struct scrip_ctx *ctx, struct scrip_rows *out, uint64_t limit)
{
    struct kafka *self = ctx->self;
    uint64_t count = 0;
    int code = self->next < self->end;

    while (count < limit && code == 1) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(self->client, POLL_MS);

        if (message == NULL && clock_us() - self->heard_us > ctx->host->option_int(ctx, "retry"))
            return scrip_fail(ctx, SCRIP_EIO, "kafka:%s/%d: no message for %lld s, at %lld of %lld%s%s", self->topic,
                              (int)self->partition, (long long)(ctx->host->option_int(ctx, "retry") / SCRIP_SECOND),
                              (long long)self->next, (long long)self->end, self->fault[0] ? ": " : "", self->fault);
        if (message == NULL)
            continue;
        code = message_take(ctx, out, message, &count);
        rd_kafka_message_destroy(message);
    }
    return code;
}

SCRIP_SOURCE_PLUGIN("kafka", "messages of Kafka topics: native events, or JSON by a map", .options = options,
                    .open = kafka_open, .close = kafka_close, .feeds = kafka_feeds, .feed_open = kafka_feed_open,
                    .read = kafka_read, .feed_close = kafka_feed_close, .settled = kafka_settled);
