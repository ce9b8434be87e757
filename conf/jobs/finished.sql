-- Jobs that are done, with who ran them. One that is done later than jobs behind it comes late: the next run finds it.
select jobs.id as job, finished, team, mail as person, engine, seconds / 60.0 as minutes
from jobs join people on people.id = jobs.person
where finished is not null
