/* kafka_broker.c - a Kafka cluster for tests, in this process: librdkafka's own mock of brokers. Commands come on
 * standard input, one a line, and each is answered by one line:
 *
 *   topic NAME PARTITIONS         put TOPIC PARTITION TEXT       flush
 *   committed GROUP TOPIC PART    down BROKER    up BROKER       error APIKEY CODE TIMES
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed; /* deliveries */

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *none)
{
    (void)client, (void)none;
    failed += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *client_make(rd_kafka_type_t type, const char *brokers, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    if (brokers != NULL)
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
    if (group != NULL)
        rd_kafka_conf_set(conf, "group.id", group, why, sizeof why);
    rd_kafka_conf_set(conf, "linger.ms", "1", why, sizeof why);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return rd_kafka_new(type, conf, why, sizeof why);
}

/* A group's offset; the client for the group asked for last is kept. */
static long long committed(const char *brokers, const char *group, const char *topic, int partition)
{
    static rd_kafka_t *client;
    static char name[256];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    long long offset;

    if (strcmp(group, name) != 0) {
        if (client != NULL)
            rd_kafka_destroy(client);
        client = client_make(RD_KAFKA_CONSUMER, brokers, group);
        snprintf(name, sizeof name, "%s", group);
    }
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_INVALID;
    offset = rd_kafka_committed(client, list, 10000) == RD_KAFKA_RESP_ERR_NO_ERROR ? list->elems[0].offset : -9;
    rd_kafka_topic_partition_list_destroy(list);
    return offset;
}

static void put(rd_kafka_t *producer, const char *topic, int partition, const char *text)
{
    while (rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_VALUE((void *)(size_t)text, strlen(text)),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(producer, 10);
}

int main(void)
{
    rd_kafka_t *host = client_make(RD_KAFKA_PRODUCER, NULL, NULL), *producer;
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 3);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    char *line = NULL, word[32], name[256], topic[256];
    size_t room = 0;
    int n, a, b, times;

    producer = client_make(RD_KAFKA_PRODUCER, brokers, NULL);
    printf("%s\n", brokers);
    fflush(stdout);
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%31s", word) != 1)
            continue;
        if (strcmp(word, "topic") == 0 && sscanf(line, "%*s %255s %d", name, &a) == 2)
            printf("%d\n", (int)rd_kafka_mock_topic_create(cluster, name, a, 1));
        else if (strcmp(word, "put") == 0 && sscanf(line, "%*s %255s %d %n", name, &a, &n) >= 2) {
            put(producer, name, a, line + n);
            continue; /* many come: they are not answered one by one */
        } else if (strcmp(word, "flush") == 0)
            printf("%d %d\n", (int)rd_kafka_flush(producer, 10000), failed);
        else if (strcmp(word, "committed") == 0 && sscanf(line, "%*s %255s %255s %d", name, topic, &a) == 3)
            printf("%lld\n", committed(brokers, name, topic, a));
        else if (strcmp(word, "down") == 0 && sscanf(line, "%*s %d", &a) == 1)
            printf("%d\n", (int)rd_kafka_mock_broker_set_down(cluster, a));
        else if (strcmp(word, "up") == 0 && sscanf(line, "%*s %d", &a) == 1)
            printf("%d\n", (int)rd_kafka_mock_broker_set_up(cluster, a));
        else if (strcmp(word, "error") == 0 && sscanf(line, "%*s %d %d %d", &a, &b, &times) == 3) {
            while (times-- > 0)
                rd_kafka_mock_push_request_errors(cluster, (int16_t)a, 1, (rd_kafka_resp_err_t)b);
            printf("0\n");
        } else
            printf("? %s\n", line);
        fflush(stdout);
    }
    rd_kafka_destroy(producer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    free(line);
    return 0;
}
