-- reports.sql - the accounts that scrip filled, again under other names until there are :times of each: rows of events, entries,
-- grants and rollups with the account's and its users' numbers replaced, all else as it was. No account's head is right under
-- another name, so that `verify` is for the books before this.
create temp table again as
    select k, n.id as was, (select max(id) from names) + row_number() over (order by k, n.id) as becomes, n.name || '/' || k as name
    from generate_series(2, :times) k,
        (select id, name from names where id in (select account from account_rows union select user_name from month_rows)) n;
create unique index on again (k, was);
analyze again;
insert into names select becomes, name, 0 from again;
insert into account_rows select a.becomes, r.events, r.entries, r.grants, r.clock, r.latest, r.head, r.data, r.clock_rank,
        r.clock_event, r.closed, r.claims, r.limits, r.timers
    from account_rows r join again a on a.was = r.account;
insert into event_rows (account, number, time, digest, source, product, user_name, service, unit, currency, rate, type, outcome,
        flags, id, quantity, amount, data, lines, reason)
    select a.becomes, r.number, r.time, r.digest, r.source, r.product, u.becomes, r.service, r.unit, r.currency, r.rate, r.type,
        r.outcome, r.flags, r.id, r.quantity, r.amount, r.data, r.lines, r.reason
    from event_rows r join again a on a.was = r.account left join again u on u.was = r.user_name and u.k = a.k;
insert into entry_rows (account, number, time, amount, event, line, grant_number, terms, charge, debit, credit)
    select a.becomes, r.number, r.time, r.amount, r.event, r.line, r.grant_number, r.terms, r.charge, r.debit, r.credit
    from entry_rows r join again a on a.was = r.account;
insert into grant_rows (account, number, id, event, class, terms, created, effective, expires, priority, cost, cost_currency, scope,
        order_key, floor, unlimited, issued, available, held, used, expired, voided, clearing, debt, rules, next, changed)
    select a.becomes, r.number, r.id, r.event, r.class, r.terms, r.created, r.effective, r.expires, r.priority, r.cost,
        r.cost_currency, r.scope, r.order_key, r.floor, r.unlimited, r.issued, r.available, r.held, r.used, r.expired, r.voided,
        r.clearing, r.debt, r.rules, r.next, r.changed
    from grant_rows r join again a on a.was = r.account;
insert into batch_rows select a.becomes, r.first, r.last, r.recorded, r.mark, 0 from batch_rows r join again a on a.was = r.account;
insert into day_rows (account, day, product, service, class, currency, amount, charges)
    select a.becomes, r.day, r.product, r.service, r.class, r.currency, r.amount, r.charges
    from day_rows r join again a on a.was = r.account;
insert into month_rows (account, month, user_name, product, class, currency, amount, charges)
    select a.becomes, r.month, u.becomes, r.product, r.class, r.currency, r.amount, r.charges
    from month_rows r join again a on a.was = r.account join again u on u.was = r.user_name and u.k = a.k;
