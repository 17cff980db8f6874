-- relation: fact_crowd
-- hashes of content digests that more than one fact bears; all other facts count without a further look.
SELECT hash64(digest) AS h FROM facts_in GROUP BY hash64(digest) HAVING count(*) > 1

-- relation: fact_copy
-- facts that do not count: of several with one content, all but the first (SPEC 2, "counts once").
SELECT rec FROM (
  SELECT rec, row_number() OVER (PARTITION BY digest ORDER BY rec) AS nth
  FROM facts_in WHERE hash64(digest) IN (SELECT h FROM fact_crowd)
) numbered WHERE nth > 1

-- relation: alias_claim
-- one row per alias: the lowest id that names it (decision 0001, 3).
SELECT alias AS key, min(id) AS parent
FROM (SELECT id, explode(aliases) AS alias FROM facts_in WHERE cardinality(aliases) > 0) named
WHERE alias <> id GROUP BY alias

-- relation: alias_walk
-- where each alias has come to after a number of steps; `reached` moves until it has no parent. (Repeated, see run.py.)
SELECT key, parent AS reached FROM alias_claim

-- relation: alias_step
SELECT w.key, coalesce(c.parent, w.reached) AS reached, c.parent IS NOT NULL AS moved
FROM alias_walk w LEFT JOIN alias_claim c ON c.key = w.reached

-- relation: alias_ring
-- keys that were still moving after 16 steps: walked once more round, keeping the lowest key seen. (Repeated.)
SELECT s.key, s.reached AS home, c.parent AS reached, least(s.reached, c.parent) AS low, c.parent = s.reached AS closed
FROM alias_step s JOIN alias_claim c ON c.key = s.reached WHERE s.moved

-- relation: alias_ring_step
SELECT w.key, w.home, c.parent AS reached,
       CASE WHEN w.closed THEN w.low ELSE least(w.low, c.parent) END AS low,
       w.closed OR c.parent = w.home AS closed
FROM alias_ring w JOIN alias_claim c ON c.key = w.reached

-- relation: key_root
-- one row per key by which an authority may be cited (id or alias): the id that it stands for.
SELECT k.key, coalesce(CASE WHEN ring.closed THEN ring.low END, w.reached, k.key) AS id
FROM (SELECT id AS key FROM facts_in UNION SELECT key FROM alias_claim) k
LEFT JOIN alias_walk w ON w.key = k.key
LEFT JOIN alias_ring ring ON ring.key = k.key

-- relation: authority_id
-- one row per authority; `a` counts them in the order of their ids, so that "lowest id" is the lowest `a`.
SELECT row_number() OVER (ORDER BY id) AS a, id FROM (SELECT DISTINCT id FROM key_root) roots

-- relation: authority_id_unaliased
-- the same where no fact has an alias: every id stands for itself.
SELECT row_number() OVER (ORDER BY id) AS a, id FROM (SELECT DISTINCT id FROM facts_in) ids

-- relation: key_of_unaliased
SELECT id AS key, a FROM authority_id

-- relation: key_of_aliased
-- one row per key: the authority it names.
SELECT k.key, i.a FROM key_root k JOIN authority_id i ON i.id = k.id

-- relation: fact
-- one row per fact that counts, under its authority; `start` is `valid_from`, else `time` (SPEC 3).
SELECT k.a, coalesce(f.valid_from, f.time) AS start, f.rec, f.digest, f.kind, f.fact, f.time, f.valid_until, f.end_reason,
       f.grace_until, f.series, f.principal_type, f.principal_id, f.principal_like, f.by_type, f.by_id, f.effect, f.scope,
       f.cites_said, cardinality(f.cites) AS citations, f.issued_by, f.requested_by, f.sole_decider, f.justification,
       f.ticket, f.owner
FROM facts_in f JOIN key_of k ON k.key = f.id WHERE f.rec NOT IN (SELECT rec FROM fact_copy)

-- relation: fact_count
-- how many facts each authority has, and whether they are of one kind. `plain`: there is but one, it establishes, and no
-- series says when it ends, so that nothing of SPEC 3 is to be compared.
SELECT a, count(*) AS facts, min(kind) AS kind, max(kind) AS other_kind,
       count(*) = 1 AND max(CASE WHEN fact = 'established' AND series IS NULL AND kind <> 'decision' THEN 1 ELSE 0 END) = 1
         AS plain
FROM fact GROUP BY a

-- relation: authority
-- one row per authority, with the kind of its first fact (decision 0001, 2).
SELECT i.a, i.id, c.kind, c.facts, c.plain FROM authority_id i JOIN fact_count c ON c.a = i.a WHERE c.kind = c.other_kind
UNION ALL
SELECT i.a, i.id, f.kind, f.facts, FALSE
FROM authority_id i
JOIN (
  SELECT f.a, f.kind, c.facts,
         row_number() OVER (
           PARTITION BY f.a ORDER BY CASE f.fact WHEN 'ended' THEN 1 ELSE 0 END, f.start, f.time, f.digest) AS nth
  FROM fact f JOIN fact_count c ON c.a = f.a WHERE c.kind <> c.other_kind
) f ON f.a = i.a
WHERE f.nth = 1

-- relation: decision_later
-- facts of a decision that do not count, its earliest being the one that does (SPEC 3; decision 0001, 9).
SELECT rec FROM (
  SELECT f.rec, row_number() OVER (PARTITION BY f.a ORDER BY f.time, f.digest) AS nth
  FROM fact f JOIN authority n ON n.a = f.a WHERE n.kind = 'decision' AND n.facts > 1
) numbered WHERE nth > 1

-- relation: correlate
-- one row per value that an authority shares with whoever may have used it (SPEC 4.2; decision 0001, 20).
SELECT DISTINCT k.a, c.value
FROM (
  SELECT id, explode(correlates) AS value FROM facts_in
  WHERE cardinality(correlates) > 0
    AND rec NOT IN (SELECT rec FROM decision_later) AND rec NOT IN (SELECT rec FROM fact_copy)
) c JOIN key_of k ON k.key = c.id
