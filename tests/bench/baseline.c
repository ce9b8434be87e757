/* baseline.c - what plain C costs: the same feed written to SQLite by a program that does nothing else.
 *
 *     baseline FOLDER DATABASE COMMIT rows|key|rollup|lean
 *
 * Every variant reads usage.csv with a bare hand loop, looks the price up in an array, draws the account's grants in
 * the order of their ends (an ended grant's rest expires), and writes what scrip's books hold of it: each name once,
 * one event row (account, source, id, time, product, user, quantity, amount), postings, balances. The durability is
 * that of scrip's default: WAL, synchronous FULL, COMMIT events a transaction; page cache and checkpoints are the same,
 * too. Statements are prepared once, keys are integers, no statement reads. One thread: that is how plain programs are
 * written; scrip may use two.
 *
 *   rows    an event row, two posting rows a draw (out of the grant, into its use), a balance update a draw, row by row
 *   key     the same with a unique key (account, source, id), so that an event cannot be taken in twice
 *   rollup  the same as key, with a rollup by (day, product, account) brought up to date row by row
 *   lean    the same as key, with what scrip saves: one posting row a draw that names both sides, and each balance
 *           written once a commit. No program writes less and still keeps the books; it shows how much of a ratio is
 *           fewer rows.
 *
 * What scrip does beside that the baselines leave out: columns found by name and checked, any source and any service,
 * a hash chain over every event, timers, checkpoints, two rollups, and where the feed stands, so that a run may be
 * killed.
 *
 * At the end the sums are read from the database that was written, for run.sh to compare with scrip's answers. */
#include "hand.h"

#include <inttypes.h>
#include <sqlite3.h>

#define GRANTS 4
#define SOURCE 1 /* the id of the only source */

struct grant {
    int64_t id, available, used, expired, ends;
    int is_dirty;
};

struct account {
    struct grant grants[GRANTS];
    int count, first; /* first: that is not yet ended or used up */
};

/* Each name once, with ids from 1. */
struct dictionary {
    struct hand_cell *names; /* by id - 1; texts lie in the file */
    uint32_t *slots;
    uint32_t count, room;
    sqlite3_stmt *insert;
};

struct program {
    sqlite3 *db;
    int has_key, has_rollup, is_lean;
    int64_t commit_size, posting;
    struct dictionary accounts, products, users;
    struct account *books; /* by account id - 1 */
    int64_t rates[256];    /* by product id - 1, in hundredths */
    sqlite3_stmt *event, *post, *balance, *rollup;
};

static void fault(struct program *p)
{
    hand_die(sqlite3_errmsg(p->db));
}

static void execute(struct program *p, const char *sql)
{
    if (sqlite3_exec(p->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fault(p);
}

static sqlite3_stmt *prepare(struct program *p, const char *sql)
{
    sqlite3_stmt *stmt;

    if (sqlite3_prepare_v3(p->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        fault(p);
    return stmt;
}

static void run(struct program *p, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        fault(p);
    sqlite3_reset(stmt);
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

static uint32_t name_id(struct program *p, struct dictionary *d, const struct hand_cell *name)
{
    uint32_t hash = 2166136261u, at;

    for (size_t i = 0; i < name->size; i++)
        hash = (hash ^ (unsigned char)name->text[i]) * 16777619u;
    for (at = hash & (d->room - 1); d->slots[at] != 0; at = (at + 1) & (d->room - 1)) {
        const struct hand_cell *known = &d->names[d->slots[at] - 1];

        if (known->size == name->size && memcmp(known->text, name->text, name->size) == 0)
            return d->slots[at];
    }
    if (d->count * 2 >= d->room)
        hand_die("more names than a dictionary holds");
    d->names[d->count++] = *name;
    d->slots[at] = d->count;
    sqlite3_bind_int64(d->insert, 1, d->count);
    sqlite3_bind_text(d->insert, 2, name->text, (int)name->size, SQLITE_STATIC);
    run(p, d->insert);
    return d->count;
}

static void dictionary_make(struct program *p, struct dictionary *d, const char *table, uint32_t room)
{
    char sql[128];

    snprintf(sql, sizeof sql, "create table %s (id integer primary key, name text not null unique)", table);
    execute(p, sql);
    snprintf(sql, sizeof sql, "insert into %s values (?, ?)", table);
    d->insert = prepare(p, sql);
    d->room = room;
    d->names = calloc(room, sizeof *d->names);
    d->slots = calloc(room, sizeof *d->slots);
    if (d->names == NULL || d->slots == NULL)
        hand_die("no memory");
}

/* ---- the tables ----------------------------------------------------------------------------------------------- */

static void tables_make(struct program *p, const char *path)
{
    if (sqlite3_open(path, &p->db) != SQLITE_OK)
        fault(p);
    execute(p, "pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536;"
               "pragma wal_autocheckpoint = 4000; pragma temp_store = memory");
    execute(p, "create table events (number integer primary key, account integer not null, source integer not null,"
               " id text not null, time integer not null, product integer not null, user integer not null,"
               " quantity integer not null, amount integer not null);"
               "create table grants (id integer primary key, account integer not null, class text not null,"
               " ends integer not null, available integer not null, used integer not null, expired integer not null);"
               "create table days (day integer, product integer, account integer, amount integer not null,"
               " charges integer not null, primary key (day, product, account)) without rowid");
    /* Book 1: available, 2: used, 3: expired. */
    execute(p, p->is_lean ? "create table postings (number integer primary key, event integer not null,"
                            " debit integer not null, credit integer not null, grant_id integer not null,"
                            " amount integer not null)"
                          : "create table postings (number integer primary key, event integer not null,"
                            " book integer not null, grant_id integer not null, amount integer not null)");
    if (p->has_key)
        execute(p, "create unique index identities on events (account, source, id)");
    p->event = prepare(p, "insert into events values (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    p->post = prepare(p, p->is_lean ? "insert into postings values (?, ?, ?, ?, ?, ?)"
                                    : "insert into postings values (?, ?, ?, ?, ?)");
    p->balance = prepare(p, "update grants set available = ?, used = ?, expired = ? where id = ?");
    p->rollup = prepare(p, "insert into days values (?, ?, ?, ?, 1) on conflict do update set amount = amount +"
                           " excluded.amount, charges = charges + 1");
    dictionary_make(p, &p->accounts, "accounts", 4096);
    dictionary_make(p, &p->products, "products", 256);
    dictionary_make(p, &p->users, "users", 8192);
    p->books = calloc(p->accounts.room, sizeof *p->books);
    if (p->books == NULL)
        hand_die("no memory");
}

static void rates_read(struct program *p, struct hand *hand)
{
    hand_line(hand);
    while (hand_line(hand))
        p->rates[name_id(p, &p->products, &hand->cells[0]) - 1] = hand_number(&hand->cells[1], 100);
}

static void grants_read(struct program *p, struct hand *hand)
{
    sqlite3_stmt *insert = prepare(p, "insert into grants values (?, ?, ?, ?, ?, 0, 0)");
    int64_t id = 0;

    hand_line(hand);
    while (hand_line(hand)) {
        uint32_t account = name_id(p, &p->accounts, &hand->cells[1]);
        struct account *books = &p->books[account - 1];
        struct grant *grant = &books->grants[books->count++]; /* the feed has them in the order of their ends */

        grant->id = ++id;
        grant->available = hand_number(&hand->cells[3], 100);
        grant->ends = hand_time(&hand->cells[5]);
        sqlite3_bind_int64(insert, 1, grant->id);
        sqlite3_bind_int64(insert, 2, account);
        sqlite3_bind_text(insert, 3, hand->cells[4].text, (int)hand->cells[4].size, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, grant->ends);
        sqlite3_bind_int64(insert, 5, grant->available);
        run(p, insert);
    }
    sqlite3_finalize(insert);
}

/* ---- one usage ------------------------------------------------------------------------------------------------ */

static void posting_write(struct program *p, int64_t event, int book, int64_t grant, int64_t amount)
{
    sqlite3_bind_int64(p->post, 1, ++p->posting);
    sqlite3_bind_int64(p->post, 2, event);
    sqlite3_bind_int64(p->post, 3, book);
    sqlite3_bind_int64(p->post, 4, grant);
    sqlite3_bind_int64(p->post, 5, amount);
    run(p, p->post);
}

static void balance_write(struct program *p, struct grant *grant)
{
    sqlite3_bind_int64(p->balance, 1, grant->available);
    sqlite3_bind_int64(p->balance, 2, grant->used);
    sqlite3_bind_int64(p->balance, 3, grant->expired);
    sqlite3_bind_int64(p->balance, 4, grant->id);
    run(p, p->balance);
    grant->is_dirty = 0;
}

static void grant_move(struct program *p, struct grant *grant, int64_t event, int book, int64_t amount)
{
    grant->available -= amount;
    *(book == 2 ? &grant->used : &grant->expired) += amount;
    if (p->is_lean) {
        sqlite3_bind_int64(p->post, 6, amount);
        sqlite3_bind_int64(p->post, 1, ++p->posting);
        sqlite3_bind_int64(p->post, 2, event);
        sqlite3_bind_int64(p->post, 3, book);
        sqlite3_bind_int64(p->post, 4, 1);
        sqlite3_bind_int64(p->post, 5, grant->id);
        run(p, p->post);
        grant->is_dirty = 1;
        return;
    }
    posting_write(p, event, 1, grant->id, -amount);
    posting_write(p, event, book, grant->id, amount);
    balance_write(p, grant);
}

static void draw(struct program *p, struct account *books, int64_t event, int64_t time, int64_t amount)
{
    while (books->first < books->count) {
        struct grant *grant = &books->grants[books->first];

        if (grant->ends <= time) {
            if (grant->available > 0)
                grant_move(p, grant, event, 3, grant->available);
        } else if (grant->available > 0) {
            int64_t part = amount < grant->available ? amount : grant->available;

            if (part > 0)
                grant_move(p, grant, event, 2, part);
            if ((amount -= part) == 0)
                return;
        }
        books->first++;
    }
    hand_die("an account's grants do not suffice: the feed is not as it should be");
}

static void usage_take(struct program *p, const struct hand *hand, int64_t event)
{
    const struct hand_cell *cells = hand->cells;
    int64_t account = name_id(p, &p->accounts, &cells[1]), time = hand_time(&cells[2]);
    int64_t product = name_id(p, &p->products, &cells[3]), user = name_id(p, &p->users, &cells[4]);
    int64_t tenths = hand_number(&cells[5], 10), amount = (tenths * p->rates[product - 1] + 5) / 10;
    sqlite3_stmt *s = p->event;

    sqlite3_bind_int64(s, 1, event);
    sqlite3_bind_int64(s, 2, account);
    sqlite3_bind_int64(s, 3, SOURCE);
    sqlite3_bind_text(s, 4, cells[0].text, (int)cells[0].size, SQLITE_STATIC);
    sqlite3_bind_int64(s, 5, time);
    sqlite3_bind_int64(s, 6, product);
    sqlite3_bind_int64(s, 7, user);
    sqlite3_bind_int64(s, 8, tenths);
    sqlite3_bind_int64(s, 9, amount);
    run(p, s);
    draw(p, &p->books[account - 1], event, time, amount);
    if (!p->has_rollup)
        return;
    sqlite3_bind_int64(p->rollup, 1, time / 86400);
    sqlite3_bind_int64(p->rollup, 2, product);
    sqlite3_bind_int64(p->rollup, 3, account);
    sqlite3_bind_int64(p->rollup, 4, amount);
    run(p, p->rollup);
}

static void commit(struct program *p)
{
    for (uint32_t a = 0; a < p->accounts.count; a++)
        for (int g = 0; g < p->books[a].count; g++)
            if (p->books[a].grants[g].is_dirty)
                balance_write(p, &p->books[a].grants[g]);
    execute(p, "commit");
}

static void usage_read(struct program *p, struct hand *hand)
{
    int64_t event = 0;

    execute(p, "begin immediate");
    hand_line(hand);
    while (hand_line(hand)) {
        usage_take(p, hand, ++event);
        if (event % p->commit_size == 0) {
            commit(p);
            execute(p, "begin immediate");
        }
    }
    commit(p);
}

/* ---- what was written ----------------------------------------------------------------------------------------- */

static void answer(struct program *p, const char *sql)
{
    sqlite3_stmt *stmt = prepare(p, sql);

    while (sqlite3_step(stmt) == SQLITE_ROW)
        printf("%s\n", (const char *)sqlite3_column_text(stmt, 0));
    if (sqlite3_finalize(stmt) != SQLITE_OK)
        fault(p);
}

/* In hundredths of a credit. Grants are as of the last event of their account. */
static void sums_show(const char *path)
{
    struct program program = { 0 }, *p = &program;

    if (sqlite3_open_v2(path, &p->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fault(p);
    answer(p, "select printf('balance %d %d %d', sum(available), sum(used), sum(expired)) from grants");
    answer(p, "select printf('usage %s %d %d', name, count(*), sum(amount)) from events e join products p on p.id ="
              " e.product group by name order by name");
    sqlite3_close(p->db);
}

static int program_end(struct program *p)
{
    struct dictionary *dictionaries[] = { &p->accounts, &p->products, &p->users };

    for (int i = 0; i < 3; i++) {
        sqlite3_finalize(dictionaries[i]->insert);
        free(dictionaries[i]->names);
        free(dictionaries[i]->slots);
    }
    free(p->books);
    sqlite3_finalize(p->event);
    sqlite3_finalize(p->post);
    sqlite3_finalize(p->balance);
    sqlite3_finalize(p->rollup);
    return sqlite3_close(p->db) == SQLITE_OK ? 0 : 3;
}

static void file_read(struct program *p, const char *folder, const char *name,
                      void (*read)(struct program *p, struct hand *hand), struct hand *hand)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    hand_open(hand, path);
    read(p, hand);
}

int main(int argc, char **argv)
{
    struct program program = { 0 }, *p = &program;
    struct hand rates, grants, usage; /* stay open: names lie in them */

    if (argc == 3 && strcmp(argv[1], "sums") == 0) {
        sums_show(argv[2]);
        return 0;
    }
    if (argc != 5) {
        fputs("usage: baseline FOLDER DATABASE COMMIT rows|key|rollup|lean, or baseline sums DATABASE\n", stderr);
        return 2;
    }
    p->commit_size = atoll(argv[3]);
    p->has_key = strcmp(argv[4], "rows") != 0;
    p->has_rollup = strcmp(argv[4], "rollup") == 0;
    p->is_lean = strcmp(argv[4], "lean") == 0;
    tables_make(p, argv[2]);
    file_read(p, argv[1], "rates.csv", rates_read, &rates);
    execute(p, "begin immediate");
    file_read(p, argv[1], "grants.csv", grants_read, &grants);
    execute(p, "commit");
    file_read(p, argv[1], "usage.csv", usage_read, &usage);
    hand_close(&rates);
    hand_close(&grants);
    hand_close(&usage);
    return program_end(p);
}
