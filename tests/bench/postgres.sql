-- postgres.sql - what a set-based function costs that does the same by hand: takes each event in once, prices it, draws it
-- from the account's grants in the order of their ends, and keeps entries, balances and both rollups. One call, one
-- transaction. It leaves out what scrip does beside that: names of their own, refusals, the hash chain, numbers without
-- gaps, checkpoints, where the feed stands.
create table hand_price (product text primary key, rate bigint not null); -- hundredths a unit
create table hand_grant (account text, number integer, class text not null, ends timestamp not null, available bigint not null,
    used bigint not null default 0, expired bigint not null default 0, primary key (account, number)) with (fillfactor = 80);
create table hand_event (account text, id text, at timestamp not null, product text not null, user_name text not null,
    quantity numeric not null, amount bigint not null, primary key (account, id));
create table hand_entry (account text, id text, number integer, amount bigint not null, primary key (account, id, number));
create table hand_day (account text, day date, product text, class text, amount bigint not null, charges bigint not null,
    primary key (account, day, product, class)) with (fillfactor = 80);
create table hand_month (account text, month date, user_name text, product text, class text, amount bigint not null,
    charges bigint not null, primary key (account, month, user_name, product, class)) with (fillfactor = 80);

-- Quantities come in halves; a charge is rounded half-up to a hundredth.
create function hand_amount(rate bigint, quantity numeric) returns bigint language sql immutable as $$
    select (rate * (quantity * 2)::bigint + 1) / 2 $$;

create function hand_charge(ids text[], accounts text[], ats timestamp[], products text[], users text[], quantities numeric[])
    returns void language plpgsql as $$
declare
    first timestamp := (select min(a) from unnest(ats) a);
    last timestamp := (select max(a) from unnest(ats) a);
    since timestamp;
    until timestamp;
begin
    -- Grants that end within the batch cut it: behind each end, what is left of them expires before the next charge.
    for since, until in
        select e, lead(e, 1, 'infinity') over (order by e)
        from (select first as e union select distinct ends from hand_grant where ends > first and ends <= last) cuts order by e
    loop
        update hand_grant set expired = expired + available, available = 0 where ends <= since and available > 0;
        with fresh as (
            insert into hand_event
            select u.account, u.id, u.at, u.product, u.user_name, u.quantity, hand_amount(p.rate, u.quantity)
            from unnest(ids, accounts, ats, products, users, quantities) u(id, account, at, product, user_name, quantity)
            join hand_price p on p.product = u.product
            where u.at >= since and u.at < until
            on conflict (account, id) do nothing
            returning account, id, at, product, user_name, amount
        ), charges as (
            select *, sum(amount) over (partition by account order by at, id) as upto from fresh
        ), lots as (
            select account, number, class, available, sum(available) over (partition by account order by ends, number) as upto
            from hand_grant where available > 0 and account in (select account from fresh)
        ), draws as (
            select c.account, c.id, c.at, c.product, c.user_name, l.number, l.class,
                least(c.upto, l.upto) - greatest(c.upto - c.amount, l.upto - l.available) as amount
            from charges c
            join lots l on l.account = c.account and l.upto > c.upto - c.amount and l.upto - l.available < c.upto
        ), entries as (
            insert into hand_entry select account, id, number, amount from draws
        ), days as (
            insert into hand_day as t
            select account, at::date, product, class, sum(amount), count(*) from draws group by 1, 2, 3, 4
            on conflict (account, day, product, class)
            do update set amount = t.amount + excluded.amount, charges = t.charges + excluded.charges
        ), months as (
            insert into hand_month as t
            select account, date_trunc('month', at)::date, user_name, product, class, sum(amount), count(*) from draws
            group by 1, 2, 3, 4, 5
            on conflict (account, month, user_name, product, class)
            do update set amount = t.amount + excluded.amount, charges = t.charges + excluded.charges
        )
        update hand_grant g set available = g.available - d.amount, used = g.used + d.amount
        from (select account, number, sum(amount) as amount from draws group by 1, 2) d
        where g.account = d.account and g.number = d.number;
    end loop;
end $$;
