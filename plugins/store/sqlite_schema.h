/* sqlite_schema.h - the tables of the SQLite store. Base tables hold integers, `names` each name once; the views show the
 * same with the words of the manual, and are what people read with a shell.
 *
 * A key of events, entries, grants and checkpoints is account * 2^32 + number, so that an account's rows lie together
 * and every look-up is one of an integer. `chk` is a hash of its row, where no replay of the books could prove it. */
#ifndef SCRIP_SQLITE_SCHEMA_H
#define SCRIP_SQLITE_SCHEMA_H

#define SCHEMA_VERSION 2
#define APPLICATION_ID 0x53435250 /* "SCRP" */

/* An integer of minor units as a decimal, with the terms `t` at hand. */
#define AMOUNT(column)                                                                                        \
    "case t.decimals when 0 then cast(" column " as text) else printf('%s%d.%0*d', iif(" column " < 0, '-', ''), abs(" \
    column ") / t.unit, t.decimals, abs(" column ") % t.unit) end"
#define NAME(column) "(select name from names where id = " column ")"
#define TIME(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column " / 1000000, 'unixepoch')"

/* Run one after the other. */
static const char *const schema[] = {
    "create table meta (key text primary key, value text not null, chk integer not null) without rowid;",
    "create table names (id integer primary key, name text not null unique, chk integer not null);",
    "create table account_rows (account integer primary key, events integer not null, entries integer not null,"
    " grants integer not null, clock integer not null, latest integer not null, head blob not null, data text,"
    " clock_rank integer not null, clock_event integer not null, closed integer, claims integer not null,"
    " limits integer not null, timers integer not null);",
    "create table event_rows (key integer primary key, type integer not null, outcome integer not null,"
    " source integer not null, id text not null, time integer not null, product integer, user integer, service integer,"
    " unit integer, currency integer, quantity, amount, rate integer, digest integer not null, data text, lines text,"
    " reason text, flags integer not null);",
    "create table identities (source integer not null, id text not null, account integer not null,"
    " number integer not null, primary key (source, id, account)) without rowid;",
    "create table entry_rows (key integer primary key, event integer not null, line integer not null,"
    " later integer not null, debit integer not null, credit integer not null, grant integer not null,"
    " terms integer not null, amount integer not null, charge integer not null);",
    "create index entry_charges on entry_rows (charge, key) where charge <> 0;",
    "create table grant_rows (key integer primary key, id text not null, event integer not null, class integer,"
    " terms integer not null, created integer not null, effective integer not null, expires integer, priority integer,"
    " cost, cost_currency integer, scope text, order_key blob not null, floor integer not null,"
    " unlimited integer not null, issued integer not null, available integer not null, held integer not null,"
    " used integer not null, expired integer not null, voided integer not null, clearing integer not null,"
    " debt integer not null, rules text, next integer, changed integer not null);",
    "create table claim_rows (key integer primary key, kind integer not null, stage integer not null, id text,"
    " event integer not null, line integer not null, terms integer not null, amount integer not null, expires integer,"
    " shared text, draws blob not null);",
    "create index claims_open on claim_rows (key) where stage = 0;",
    "create index claim_ids on claim_rows (id, key) where id is not null;",
    "create table limit_rows (key integer primary key, id text not null, event integer not null, terms integer not null,"
    " amount integer not null, per text, anchor integer, expires integer, scope text, windows blob not null);",
    "create table timer_rows (account integer not null, service integer not null, key blob not null, due integer not null,"
    " chk integer not null, primary key (account, service, key)) without rowid;",
    "create table batch_rows (key integer primary key, last integer not null, recorded integer not null,"
    " chk integer not null);",
    "create table checkpoint_rows (key integer primary key, entries integer not null, latest integer not null,"
    " earliest integer not null, head blob not null, state blob not null);",
    "create table state_rows (account integer not null, service integer not null, key blob not null, value blob not null,"
    " discard_after integer, chk integer not null, primary key (account, service, key)) without rowid;",
    "create table term_rows (number integer primary key, currency integer not null, decimals integer not null,"
    " unit integer not null, rounding integer not null, split integer not null, settle_lag integer not null,"
    " late integer not null, rules text, chk integer not null);",
    "create table rate_rows (number integer primary key, service integer not null, terms integer not null, rate not null,"
    " per not null, label integer, digest integer not null, chk integer not null);",
    "create table day_rows (day integer not null, product integer not null, service integer not null,"
    " class integer not null, currency integer not null, account integer not null,"
    " amount integer not null check (typeof(amount) = 'integer'), charges integer not null,"
    " primary key (day, product, service, class, currency, account)) without rowid;",
    "create table month_rows (month integer not null, user integer not null, product integer not null,"
    " class integer not null, currency integer not null, account integer not null,"
    " amount integer not null check (typeof(amount) = 'integer'), charges integer not null,"
    " primary key (month, user, product, class, currency, account)) without rowid;",
    "create table cursor_rows (source integer not null, feed text not null, position integer not null,"
    " line integer not null, tail_size integer not null, tail_hash integer not null, chk integer not null,"
    " primary key (source, feed)) without rowid;",
    "create table quarantine_rows (key blob primary key, source integer, feed text not null, line integer not null,"
    " class text not null, reason text not null, bytes blob not null, time integer, account text not null,"
    " id text not null, event text not null, chk integer not null) without rowid;",
    "create table outcomes (number integer primary key, name text not null, chk integer not null);",
    "create table books (number integer primary key, name text not null, chk integer not null);",
    "create table types (number integer primary key, name text not null, chk integer not null);",
    "create table stages (number integer primary key, name text not null, chk integer not null);",
    /* ---- views */
    "create view accounts as select " NAME("account") " as account, events, entries, grants, " TIME("latest") " as latest,"
    " lower(hex(head)) as head, data from account_rows;",
    "create view events as select " NAME("e.key >> 32") " as account, e.key & 4294967295 as number, " TIME("e.time")
    " as time, y.name as type, o.name as outcome, " NAME("e.source") " as source, e.id, " NAME("e.product")
    " as product, " NAME("e.user") " as user, e.quantity, " NAME("e.unit") " as unit, e.amount, " NAME("e.currency")
    " as currency, e.rate, e.reason, e.data, e.lines from event_rows e join types y on y.number = e.type"
    " join outcomes o on o.number = e.outcome;",
    "create view entries as select " NAME("r.key >> 32") " as account, r.key & 4294967295 as number, r.event, r.line, "
    TIME("(e.time + r.later)") " as time, d.name as debit, c.name as credit, r.grant, " NAME("t.currency") " as currency, "
    AMOUNT("r.amount") " as amount, nullif(r.charge, 0) as charge from entry_rows r join event_rows e on e.key = (r.key >> 32 << 32) + r.event"
    " join term_rows t on t.number = r.terms join books d on d.number = r.debit join books c on c.number = r.credit;",
    "create view grants as select " NAME("g.key >> 32") " as account, g.key & 4294967295 as number, g.id as grant, "
    NAME("g.class") " as class, " NAME("t.currency") " as currency, " TIME("g.effective") " as effective, "
    TIME("g.expires") " as expires, g.priority, g.cost, " NAME("g.cost_currency") " as cost_currency, g.scope, "
    "iif(g.unlimited, 'unlimited', " AMOUNT("g.available") ") as available, " AMOUNT("g.issued") " as issued, "
    AMOUNT("g.held") " as held, " AMOUNT("g.used") " as used, " AMOUNT("g.expired") " as expired, " AMOUNT("g.voided")
    " as voided, " AMOUNT("g.debt") " as debt from grant_rows g join term_rows t on t.number = g.terms;",
    "create view holds as select " NAME("c.key >> 32") " as account, c.id as hold, s.name as stage, " NAME("t.currency")
    " as currency, " AMOUNT("c.amount") " as amount, " TIME("c.expires") " as expires, c.event from claim_rows c join term_rows t"
    " on t.number = c.terms join stages s on s.number = c.stage where c.kind = 0;",
    "create view debts as select " NAME("c.key >> 32") " as account, s.name as stage, " NAME("t.currency") " as currency, "
    AMOUNT("c.amount") " as amount, c.event, c.line from claim_rows c join term_rows t on t.number = c.terms join stages s"
    " on s.number = c.stage where c.kind = 1;",
    "create view limits as select " NAME("l.key >> 32") " as account, l.id as \"limit\", " NAME("t.currency") " as currency, "
    AMOUNT("l.amount") " as amount, l.per, " TIME("l.anchor") " as anchor, " TIME("l.expires") " as expires, l.scope"
    " from limit_rows l join term_rows t on t.number = l.terms;",
    "create view batches as select " NAME("key >> 32") " as account, key & 4294967295 as first, last, " TIME("recorded")
    " as recorded from batch_rows;",
    "create view usage_by_day as select date(day * 86400, 'unixepoch') as day, " NAME("product") " as product, "
    NAME("service") " as service, " NAME("class") " as class, " NAME("u.currency") " as currency, " NAME("account")
    " as account, charges, " AMOUNT("amount") " as amount from day_rows u left join (select currency as code,"
    " max(number), decimals, unit from term_rows group by currency) t on t.code = u.currency;",
    "create view usage_by_month as select printf('%04d-%02d', 1970 + month / 12, month % 12 + 1) as month, " NAME("user")
    " as user, " NAME("product") " as product, " NAME("class") " as class, " NAME("u.currency") " as currency, "
    NAME("account") " as account, charges, " AMOUNT("amount") " as amount from month_rows u left join (select currency"
    " as code, max(number), decimals, unit from term_rows group by currency) t on t.code = u.currency;",
    "create view rates as select r.number, " NAME("r.service") " as service, " NAME("t.currency") " as currency, r.rate,"
    " r.per, " NAME("r.label") " as label, printf('%016x', r.digest) as digest from rate_rows r join term_rows t"
    " on t.number = r.terms;",
    "create view quarantine as select lower(hex(key)) as key, class, " NAME("source") " as source, feed, line, account,"
    " id, reason, cast(bytes as text) as bytes, event from quarantine_rows;",
    "create view cursors as select " NAME("source") " as source, feed, position, line from cursor_rows;",
};

#endif
