-- Names that share a hash although they differ: none, or the run starts again with a stronger one.

-- relation: twins_of_names
SELECT p AS h FROM principal WHERE twins > 0
UNION ALL SELECT v FROM verb WHERE twins > 0
UNION ALL SELECT s FROM subject_twins
UNION ALL SELECT sc FROM scope WHERE twins > 0

-- relation: twins_wanted
SELECT r FROM resource_wanted GROUP BY r HAVING count(*) > 1

-- relation: twins_tested
-- sets of scopes that share a hash, also with one scope that is a set by itself; and resources.
SELECT ss AS h FROM set_name GROUP BY ss HAVING min(scs) <> max(scs)
UNION ALL SELECT ss FROM set_name WHERE ss IN (SELECT sc FROM scope)
UNION ALL SELECT r FROM resource_tested GROUP BY r HAVING count(*) > 1
