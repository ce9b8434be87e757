/* postgres_schema.h - the tables of the PostgreSQL store. Base tables hold integers, `names` each name once; the
 * views show the same with the words of the manual, and are what people read with psql.
 *
 * Every table of the books has the account in its key, first wherever the look-up allows it, so that an engine that
 * spreads tables over machines may do so by account. No sequences, triggers or functions; numbers are the writers'
 * own. `chk` is a hash of its row, where no replay of the books could prove it.
 *
 * `user`, `grant` and `limit` are words of SQL: the views call them user_name, grant_id and limit_id. */
#ifndef SCRIP_POSTGRES_SCHEMA_H
#define SCRIP_POSTGRES_SCHEMA_H

#define SCHEMA_VERSION 1

/* Rows that change in place find room beside them. */
#define ROOM_TO_CHANGE " with (fillfactor = 80)"

static const char *const schema_tables[] = {
    "names (id integer primary key, name text collate \"C\" not null unique, chk bigint not null)",
    "account_rows (account integer primary key, events integer not null, entries integer not null,"
    " grants integer not null, clock bigint not null, latest bigint not null, head bytea not null, data text,"
    " clock_rank bigint not null, clock_event integer not null, closed bigint, claims integer not null,"
    " limits integer not null, timers integer not null)" ROOM_TO_CHANGE,
    "event_rows (account integer not null, number integer not null, time bigint not null, digest bigint not null,"
    " source integer not null, product integer, user_name integer, service integer, unit integer, currency integer,"
    " rate integer, type smallint not null, outcome smallint not null, flags smallint not null,"
    " id text collate \"C\" not null, quantity numeric, amount numeric, data text, lines text, reason text,"
    " primary key (account, number))",
    "entry_rows (account integer not null, number integer not null, time bigint not null, amount bigint not null,"
    " event integer not null, line integer not null, grant_number integer not null, terms integer not null,"
    " charge integer not null, debit smallint not null, credit smallint not null, primary key (account, number))",
    "grant_rows (account integer not null, number integer not null, id text not null, event integer not null,"
    " class integer, terms integer not null, created bigint not null, effective bigint not null, expires bigint,"
    " priority bigint, cost numeric, cost_currency integer, scope text, order_key bytea not null, floor bigint not"
    " null,"
    " unlimited smallint not null, issued bigint not null, available bigint not null, held bigint not null,"
    " used bigint not null, expired bigint not null, voided bigint not null, clearing bigint not null,"
    " debt bigint not null, rules text, next bigint, changed integer not null, primary key (account, number))"
    ROOM_TO_CHANGE,
    "claim_rows (account integer not null, number integer not null, kind smallint not null, stage smallint not null,"
    " id text collate \"C\", event integer not null, line integer not null, terms integer not null, amount bigint not"
    " null,"
    " expires bigint, shared bytea, draws bytea not null, primary key (account, number))" ROOM_TO_CHANGE,
    "limit_rows (account integer not null, number integer not null, id text not null, event integer not null,"
    " terms integer not null, amount bigint not null, per text, anchor bigint, expires bigint, scope text,"
    " windows bytea not null, primary key (account, number))" ROOM_TO_CHANGE,
    "timer_rows (account integer not null, service integer not null, key bytea not null, due bigint not null,"
    " chk bigint not null, primary key (account, service, key))" ROOM_TO_CHANGE,
    "batch_rows (account integer not null, first integer not null, last integer not null, recorded bigint not null,"
    " mark bigint not null, chk bigint not null, primary key (account, first))",
    "checkpoint_rows (account integer not null, number integer not null, entries integer not null, latest bigint not"
    " null,"
    " earliest bigint not null, head bytea not null, state bytea not null, primary key (account, number))",
    "state_rows (account integer not null, service integer not null, key bytea not null, value bytea not null,"
    " discard_after bigint, chk bigint not null, primary key (account, service, key))" ROOM_TO_CHANGE,
    "term_rows (number integer primary key, currency integer not null, decimals smallint not null, unit bigint not"
    " null,"
    " rounding smallint not null, split smallint not null, settle_lag bigint not null, late smallint not null, rules"
    " text,"
    " chk bigint not null)",
    "rate_rows (number integer primary key, service integer not null, terms integer not null, rate numeric not null,"
    " per numeric not null, label integer, digest bigint not null, chk bigint not null)",
    "day_rows (account integer not null, day integer not null, product integer not null, service integer not null,"
    " class integer not null, currency integer not null, amount bigint not null, charges bigint not null,"
    " primary key (account, day, product, service, class, currency))" ROOM_TO_CHANGE,
    "month_rows (account integer not null, month integer not null, user_name integer not null, product integer not"
    " null,"
    " class integer not null, currency integer not null, amount bigint not null, charges bigint not null,"
    " primary key (account, month, user_name, product, class, currency))" ROOM_TO_CHANGE,
    "cursor_rows (source integer not null, feed bytea not null, position bigint not null, line bigint not null,"
    " tail_size bigint not null, tail_hash bigint not null, chk bigint not null, primary key (source,"
    " feed))" ROOM_TO_CHANGE,
    "quarantine_rows (key bytea primary key, source integer, feed bytea not null, line bigint not null,"
    " class text collate \"C\" not null, reason bytea not null, bytes bytea not null, time bigint, account bytea not"
    " null,"
    " id bytea not null, event bytea not null, chk bigint not null)",
    "outcomes (number smallint primary key, name text not null, chk bigint not null)",
    "books (number smallint primary key, name text not null, chk bigint not null)",
    "types (number smallint primary key, name text not null, chk bigint not null)",
    "stages (number smallint primary key, name text not null, chk bigint not null)",
    "meta (key text primary key, value text not null, chk bigint not null)",
};

/* One index is the identity of events and tells the greatest id of a source. */
static const char *const schema_indexes[] = {
    "unique index event_identities on event_rows (source, id, account)",
    "index entry_charges on entry_rows (account, charge, number) where charge <> 0",
    "index claims_open on claim_rows (account, number) where stage = 0",
    "index claim_ids on claim_rows (account, id, number) where id is not null",
};

#define AMOUNT(column) "round(" column "::numeric / t.unit, t.decimals)"
#define NAME(column) "(select n.name from names n where n.id = " column ")"
#define TIME(column) "(timestamp '1970-01-01' + " column " * interval '1 microsecond')"
#define SHOWN(column) "encode(" column ", 'escape')" /* bytes that need not be text */
#define LAST_TERMS                                                                                            \
    "(select currency as code, decimals, unit from term_rows x where number = (select max(number) from term_rows y"\
    " where" \
    " y.currency = x.currency)) t on t.code = u.currency"

static const char *const schema_views[] = {
    "accounts as select " NAME("account") " as account, events, entries, grants, " TIME("latest") " as latest,"
    " encode(head, 'hex') as head, data from account_rows",
    "events as select " NAME("e.account") " as account, e.number, " TIME("e.time") " as time, y.name as type,"
    " o.name as outcome, " NAME("e.source") " as source, e.id, " NAME("e.product") " as product, " NAME("e.user_name")
    " as user_name, e.quantity, " NAME("e.unit") " as unit, e.amount, " NAME("e.currency") " as currency, "
    NAME("e.service") " as service, e.rate, e.reason, e.data, e.lines from event_rows e join types y on y.number ="
         " e.type"
    " join outcomes o on o.number = e.outcome",
    "entries as select " NAME("r.account") " as account, r.number, r.event, r.line, " TIME("r.time") " as time,"
    " d.name as debit, c.name as credit, r.grant_number, " NAME("t.currency") " as currency, " AMOUNT("r.amount")
    " as amount, nullif(r.charge, 0) as charge from entry_rows r join term_rows t on t.number = r.terms"
    " join books d on d.number = r.debit join books c on c.number = r.credit",
    "grants as select " NAME("g.account") " as account, g.number, g.id as grant_id, " NAME("g.class") " as class, "
    NAME("t.currency") " as currency, " TIME("g.effective") " as effective, " TIME("g.expires") " as expires,"
         " g.priority,"
    " g.cost, " NAME("g.cost_currency") " as cost_currency, g.scope, case g.unlimited when 0 then"
    " " AMOUNT("g.available")
    " end as available, g.unlimited <> 0 as is_unlimited, " AMOUNT("g.issued") " as issued, " AMOUNT("g.held") " as"
    " held, "
    AMOUNT("g.used") " as used, " AMOUNT("g.expired") " as expired, " AMOUNT("g.voided") " as voided, " AMOUNT("g.debt")
    " as debt from grant_rows g join term_rows t on t.number = g.terms",
    "holds as select " NAME("c.account") " as account, c.id as hold, s.name as stage, " NAME("t.currency")
    " as currency, " AMOUNT("c.amount") " as amount, " TIME("c.expires") " as expires, c.event from claim_rows c"
    " join term_rows t on t.number = c.terms join stages s on s.number = c.stage where c.kind = 0",
    "debts as select " NAME("c.account") " as account, s.name as stage, " NAME("t.currency") " as currency, "
    AMOUNT("c.amount") " as amount, c.event, c.line from claim_rows c join term_rows t on t.number = c.terms"
    " join stages s on s.number = c.stage where c.kind = 1",
    "limits as select " NAME("l.account") " as account, l.id as limit_id, " NAME("t.currency") " as currency, "
    AMOUNT("l.amount") " as amount, l.per, " TIME("l.anchor") " as anchor, " TIME("l.expires") " as expires, l.scope"
    " from limit_rows l join term_rows t on t.number = l.terms",
    "batches as select " NAME("account") " as account, first, last, " TIME("recorded") " as recorded from batch_rows",
    "usage_by_day as select date '1970-01-01' + day as day, " NAME("product") " as product, " NAME("service")
    " as service, " NAME("class") " as class, " NAME("u.currency") " as currency, " NAME("account") " as account,"
    " charges, "
    AMOUNT("amount") " as amount from day_rows u left join " LAST_TERMS,
    "usage_by_month as select (date '1970-01-01' + month * interval '1 month')::date as month, " NAME("user_name")
    " as user_name, " NAME("product") " as product, " NAME("class") " as class, " NAME("u.currency") " as currency, "
    NAME("account") " as account, charges, " AMOUNT("amount") " as amount from month_rows u left join " LAST_TERMS,
    "rates as select r.number, " NAME("r.service") " as service, " NAME("t.currency") " as currency, r.rate, r.per, "
    NAME("r.label") " as label, to_hex(r.digest) as digest from rate_rows r join term_rows t on t.number = r.terms",
    "quarantine as select encode(key, 'hex') as key, class, " NAME("source") " as source, " SHOWN("feed") " as feed,"
    " line, "
    SHOWN("account") " as account, " SHOWN("id") " as id, " SHOWN("reason") " as reason, " SHOWN("bytes") " as bytes, "
    SHOWN("event") " as event from quarantine_rows",
    "cursors as select " NAME("source") " as source, " SHOWN("feed") " as feed, position, line from cursor_rows",
};

#endif
