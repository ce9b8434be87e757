-- jobs.sql - what the application of this example has: jobs of a render farm.
create table people (id integer primary key, mail text, team text);
create table jobs (id integer primary key autoincrement, person integer references people, engine text, finished text, seconds integer);
insert into people values (1, 'ann@studio.example', 'studio'), (2, 'bob@studio.example', 'studio');
insert into jobs (person, engine, finished, seconds) values
    (1, 'CPU', '2022-03-01 09:30:00', 5400),
    (1, 'GPU', '2022-03-01 11:00:00', 600),
    (2, 'GPU', '2022-03-02 10:15:00', 1230),
    (2, 'CPU', null, null),
    (1, 'GPU', '2022-03-03 16:45:00', 90);
