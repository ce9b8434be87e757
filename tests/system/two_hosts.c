/* two_hosts.c - two hosts of one process on one store, in turns: what the other one wrote since is never missed.
 *
 *     two_hosts CONFIGURATION CONFIGURATION
 *
 * They name the same currencies in another order and price with other sheets, so that their numbers of terms and of rates
 * meet, too. */
#include <scrip/scrip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scrip *hosts[2];

static void fail(const char *what, const struct scrip_error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message);
    exit(1);
}

/* Submits an event given as "key=value" words, and wants an outcome; "known" where it is a duplicate. */
static void submit(int host, const char *wanted, int count, const char *const *words)
{
    struct scrip_pair pairs[16];
    struct scrip_result result;
    struct scrip_error err = { 0 };
    char text[16][64];

    for (int i = 0; i < count; i++) {
        char *value;

        snprintf(text[i], sizeof text[i], "%s", words[i]);
        value = strchr(text[i], '=');
        *value = 0;
        pairs[i] = (struct scrip_pair){ text[i], value + 1 };
    }
    if (scrip_submit(hosts[host], pairs, (uint64_t)count, &result, &err) < 0)
        fail(words[1], &err);
    if (strcmp(result.was_duplicate ? "known" : scrip_outcome_name(result.outcome), wanted) != 0) {
        fprintf(stderr, "host %d, %s: %s (%s), wanted %s\n", host, words[1], scrip_outcome_name(result.outcome),
                result.reason, wanted);
        exit(1);
    }
}
#define SUBMIT(host, wanted, ...)                                                                             \
    submit(host, wanted, (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)),                     \
           (const char *const[]){ __VA_ARGS__ })

static int finding_show(void *sink, const char *text)
{
    (void)sink;
    fprintf(stderr, "%s\n", text);
    return 0;
}

int main(int argc, char **argv)
{
    struct scrip_error err = { 0 };
    uint64_t findings, events;

    for (int i = 0; i < 2; i++)
        if (argc != 3 || scrip_open(argv[i + 1], SCRIP_ACCESS_INIT, &hosts[i], &err) < 0)
            fail("open", &err);
    /* Both think that the next terms are theirs to number. */
    SUBMIT(0, "applied", "type=scrip.grant", "id=g1", "account=a", "time=2022-01-01", "currency=credits", "amount=100");
    SUBMIT(1, "applied", "type=scrip.grant", "id=g2", "account=a", "time=2022-01-01", "currency=flex", "amount=50");
    /* The account in the first one's memory is old; and so are its prices. */
    SUBMIT(0, "charged", "type=scrip.usage", "id=u1", "account=a", "time=2022-01-02", "product=P", "quantity=3");
    SUBMIT(1, "charged", "type=scrip.usage", "id=u2", "account=a", "time=2022-01-03", "product=P", "quantity=3");
    SUBMIT(0, "charged", "type=scrip.usage", "id=u3", "account=a", "time=2022-01-04", "product=P", "quantity=4");
    /* What the other one took in is known here, whatever the greatest id was. */
    SUBMIT(1, "known", "type=scrip.usage", "id=u3", "account=a", "time=2022-01-04", "product=P", "quantity=4");
    SUBMIT(0, "known", "type=scrip.usage", "id=u2", "account=a", "time=2022-01-03", "product=P", "quantity=3");
    SUBMIT(0, "quarantined", "type=scrip.usage", "id=u2", "account=a", "time=2022-01-03", "product=P", "quantity=9");
    /* A charge that the other one priced goes back. */
    SUBMIT(0, "applied", "type=scrip.reversal", "id=r1", "account=a", "time=2022-01-05", "of.id=u2");
    SUBMIT(1, "applied", "type=scrip.reversal", "id=r2", "account=a", "time=2022-01-05", "of.id=u1");
    /* A hold of one is captured by the other. */
    SUBMIT(0, "applied", "type=scrip.hold", "id=h1", "account=a", "time=2022-01-06", "currency=credits", "amount=5");
    SUBMIT(1, "charged", "type=scrip.capture", "id=c1", "account=a", "time=2022-01-07", "hold=h1", "amount=4");
    SUBMIT(0, "refused", "type=scrip.capture", "id=c2", "account=a", "time=2022-01-08", "hold=h1", "amount=1");
    for (int i = 0; i < 2; i++) {
        if (scrip_verify(hosts[i], finding_show, NULL, &findings, &events, &err) < 0)
            fail("verify", &err);
        if (findings > 0 || events != 10) {
            fprintf(stderr, "host %d: %d findings, %d events\n", i, (int)findings, (int)events);
            return 1;
        }
    }
    scrip_close(hosts[0]);
    scrip_close(hosts[1]);
    return 0;
}
