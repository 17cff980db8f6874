-- relation: crowd
-- hashes of action ids that more than one row bears; all other rows are a record each and need no further look.
-- one row per hash. SPEC 2.
SELECT hash64(id) AS h FROM actions_in GROUP BY hash64(id) HAVING count(*) > 1

-- relation: crowded
-- rows whose id may stand more than once: which of them count. Of an id only the highest stage does, of one content only
-- one row ("counts once", SPEC 2; content excludes where it was read). `contents`: how many different ones remain.
SELECT rec, nth = 1 AS counts, sum(CASE WHEN nth = 1 THEN 1 ELSE 0 END) OVER (PARTITION BY id) AS contents
FROM (
  SELECT rec, id,
         CASE WHEN stage = last_stage THEN row_number() OVER (
           PARTITION BY id, stage, time, principal_type, principal_id, on_behalf_of, action, resource_type, resource_id,
                        outcome, origin, cites, correlates, attributes, said_source
           ORDER BY rec) ELSE 0 END AS nth
  FROM (
    SELECT *, max(stage) OVER (PARTITION BY id) AS last_stage
    FROM actions_in WHERE hash64(id) IN (SELECT h FROM crowd)
  ) staged
) numbered

-- relation: left_out
-- rows that do not count: earlier stages and copies.
SELECT rec FROM crowded WHERE NOT counts

-- relation: acting
-- who acts, and for whom: one row per different combination. s, p: hashes of the subject (principal and whom it acts for)
-- and of the principal; checked to be unique below.
SELECT principal_type, principal_id, NULL AS on_behalf_of, hash64(principal_type, principal_id) AS s,
       hash64(principal_type, principal_id) AS p
FROM (SELECT DISTINCT principal_type, principal_id FROM actions_in WHERE cardinality(on_behalf_of) = 0) alone
UNION ALL
SELECT principal_type, principal_id, on_behalf_of, hash64(principal_type, principal_id, on_behalf_of),
       hash64(principal_type, principal_id)
FROM (SELECT DISTINCT principal_type, principal_id, on_behalf_of FROM actions_in WHERE cardinality(on_behalf_of) > 0) lent

-- relation: lent
-- combinations in which somebody acts for another.
SELECT s FROM acting WHERE on_behalf_of IS NOT NULL

-- relation: principal
-- one row per principal that acts, is acted for, or asks for a decision; `twins` > 0 would be a hash collision.
SELECT p, min(type) AS type, min(id) AS id,
       CASE WHEN min(type) = max(type) AND min(id) = max(id) THEN 0 ELSE 1 END AS twins
FROM (
  SELECT p, principal_type AS type, principal_id AS id FROM acting
  UNION ALL
  SELECT hash64(who.type, who.id), who.type, who.id
  FROM (SELECT explode(on_behalf_of) AS who FROM acting WHERE cardinality(on_behalf_of) > 0) lent
  UNION ALL
  SELECT hash64(request_subject_type, request_subject_id), request_subject_type, request_subject_id
  FROM facts_in WHERE request_subject_id IS NOT NULL AND request_subject_type IS NOT NULL
) named GROUP BY p

-- relation: subject
-- who an action's authorities may empower: the acting principal and everyone it acts for (SPEC 4, "matches").
-- one row per (s, p).
SELECT DISTINCT s, p FROM (
  SELECT s, p FROM acting
  UNION ALL
  SELECT s, hash64(who.type, who.id)
  FROM (SELECT s, explode(on_behalf_of) AS who FROM acting WHERE cardinality(on_behalf_of) > 0) lent
) members

-- relation: subject_twins
-- subjects that share a hash although they differ: none, or the run starts again with another one.
SELECT s FROM acting GROUP BY s HAVING count(*) > 1

-- relation: verb
-- one row per verb.
SELECT v, min(verb) AS verb, count(*) - 1 AS twins FROM (
  SELECT DISTINCT hash64(action) AS v, action AS verb FROM actions_in
  UNION
  SELECT DISTINCT hash64(request_action), request_action FROM facts_in WHERE request_action IS NOT NULL
) verbs GROUP BY v

-- relation: counting
-- rows that count. `twofold`: another row of the same id counts too (QW606).
SELECT i.*, coalesce(c.contents, 1) > 1 AS twofold FROM actions_in i LEFT JOIN crowded c ON c.rec = i.rec
WHERE c.rec IS NULL OR c.counts

-- relation: counting_uncrowded
-- the same where every row has an id of its own.
SELECT *, FALSE AS twofold FROM actions_in

-- relation: act
-- the actions of this slab that count, keyed by `rec`. Times are microseconds since the epoch, UTC; v: hash of the verb.
SELECT i.rec, i.time, $subject AS s, hash64(i.action) AS v, i.resource_type, i.resource_id,
       CASE i.outcome WHEN 'success' THEN 0 WHEN 'failure' THEN 1 ELSE 2 END AS outcome,
       i.cites, cardinality(i.correlates) > 0 AS correlating, i.twofold
FROM counting i WHERE $slab
