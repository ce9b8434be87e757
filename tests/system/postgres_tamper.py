"""postgres_tamper.py - as tamper.py, on PostgreSQL: one changed digit in any table of the store is found by `verify`.

A third of the columns, picked by SEED; ALL=1 tries each.
"""
import os
import random

import lib

os.environ["SCRIP_TEST_STORE"] = lib.STORE = "postgres"
import tamper  # noqa: E402

# What a value becomes, by its type; NULL where there is nothing to change.
CHANGES = {
    "smallint": "{c} + 1", "integer": "case when {c} = 2147483647 then {c} - 1 else {c} + 1 end",
    "bigint": "case when {c} = 9223372036854775807 then {c} - 1 else {c} + 1 end", "numeric": "{c} + 1",
    "bytea": "case when length({c}) > 0 then set_byte({c}, length({c}) / 2, get_byte({c}, length({c}) / 2) # 1) end",
    "text": "case when {c} ~ '[0-9]' then regexp_replace({c}, '[0-9]', translate(substring({c} from '[0-9]'), '0123456789',"
            " '1234567890')) end",
}


def main():
    random.seed(os.environ.get("SEED", "11"))
    b = tamper.make()
    b.run("verify")
    sql = b.schemas[0].psql
    columns = [line.split("|") for line in sql(
        "select table_name, column_name, data_type from information_schema.columns join information_schema.tables using"
        f" (table_schema, table_name) where table_schema = '{b.schemas[0].name}' and table_type = 'BASE TABLE' order by 1, 2")]
    empty = [t for t in sorted({c[0] for c in columns}) if sql(f"select count(*) from {t}") == ["0"]]
    assert not empty, f"tables without a row, so not tested: {empty}"
    if os.environ.get("ALL") != "1":
        columns = random.sample(columns, len(columns) // 3)
    tried, missed, restore = 0, [], ""
    for table, column, kind in columns:
        change = CHANGES[kind].format(c=f"{table}.{column}")
        if restore:
            sql(restore)
        try:
            # The row as it was is kept, the changed one is told by where it stands.
            moved = sql(f"create unlogged table before_it as select *, ctid as at from {table} where {change} is not null"
                        f" order by random() limit 1; update {table} set {column} = {change} from before_it b where"
                        f" {table}.ctid = b.at returning {table}.ctid")
        except AssertionError:
            moved = []  # the store itself refuses it
        restore = "drop table if exists before_it"
        if not moved:
            continue
        restore = (f"delete from {table} where ctid = '{moved[0]}'; alter table before_it drop column at;"
                   f" insert into {table} select * from before_it; drop table before_it")
        tried += 1
        done = b.run("verify", ok=None)
        if done.returncode <= 0:
            missed.append(f"exit {done.returncode}: {table}.{column}: {sql('select * from before_it')}")
    sql(restore)
    print(f"{tried} changes in {len({c[0] for c in columns})} tables")
    assert not missed, "not found:\n" + "\n".join(missed)
    assert tried > len(columns) // 2, tried
    b.run("verify")
    b.done()


main()
