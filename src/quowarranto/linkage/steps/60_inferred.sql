-- relation: unanchored
-- actions with a first step but without an anchor (SPEC 4.4).
SELECT rec, time, s, v, resource_type, resource_id, outcome, twofold FROM act WHERE rec IN (
  SELECT rec FROM told1 WHERE sole AND (traits & $anchored) = 0
  UNION ALL
  SELECT rec FROM told1 WHERE NOT sole GROUP BY rec HAVING (bit_or(traits) & $anchored) = 0)

-- relation: bare
-- actions for which neither citation nor correlation found anything (SPEC 4.3 begins here).
SELECT rec, time, s, v, resource_type, resource_id, outcome, twofold FROM unnamed WHERE rec NOT IN (SELECT rec FROM correlated)

-- relation: asked
-- one row per (subject, verb, resource, time) that some decision was asked about; ties go to the highest id (4.3a).
SELECT hash64(f.request_subject_type, f.request_subject_id) AS p, hash64(f.request_action) AS v,
       hash64(f.request_resource_type, f.request_resource_id) AS r, d.at_us, max(d.a) AS a
FROM decision d JOIN facts_in f ON f.rec = d.term
WHERE f.request_subject_type IS NOT NULL AND f.request_subject_id IS NOT NULL AND f.request_action IS NOT NULL
  AND f.request_resource_type IS NOT NULL AND f.request_resource_id IS NOT NULL
GROUP BY hash64(f.request_subject_type, f.request_subject_id), hash64(f.request_action),
         hash64(f.request_resource_type, f.request_resource_id), d.at_us

-- relation: asked_resource
-- one row per resource that some decision was asked about.
SELECT DISTINCT hash64(f.request_resource_type, f.request_resource_id) AS r, f.request_resource_type AS type,
       f.request_resource_id AS id
FROM decision d JOIN facts_in f ON f.rec = d.term
WHERE f.request_resource_id IS NOT NULL AND f.request_resource_type IS NOT NULL

-- relation: bare_late
-- the actions that some decision may have been about, with the latest moment at which it may have been made for each.
SELECT b.*, w.p, b.time + $skew AS until_us
FROM (SELECT *, hash64(resource_type, resource_id) AS r FROM bare) b JOIN acting w ON w.s = b.s
WHERE b.r IN (SELECT r FROM asked_resource)

-- relation: asked_twins
-- resources that share a hash although they differ.
SELECT r FROM asked_resource GROUP BY r HAVING count(*) > 1
UNION ALL
SELECT b.r FROM bare_late b JOIN asked_resource q ON q.r = b.r WHERE q.type <> b.resource_type OR q.id <> b.resource_id

-- relation: by_decision
-- 4.3a: the latest decision of the same question in [time - window, time + skew].
SELECT rec, a, time, s, v, resource_type, resource_id, outcome, twofold FROM answered WHERE at_us >= time - $window

-- relation: by_decision_none
SELECT rec, CAST(NULL AS BIGINT) AS a, time, s, v, resource_type, resource_id, outcome, twofold FROM bare WHERE FALSE

-- relation: undecided
SELECT * FROM bare WHERE rec NOT IN (SELECT rec FROM by_decision)

-- relation: sought_new
-- subjects whose sessions and grants are wanted, and were by no slab before.
SELECT w.s FROM (SELECT DISTINCT s FROM (SELECT s FROM undecided UNION ALL SELECT s FROM unanchored) wanted) w
WHERE w.s NOT IN (SELECT s FROM sought)

-- relation: empowered_new
-- one row per (subject, term of a session or grant that names it): exact names by equality, patterns one by one.
SELECT DISTINCT k.s, t.a, t.term, t.kind, t.start_us, t.end_us, t.effect, t.sc
FROM sought_new k JOIN subject m ON m.s = k.s JOIN principal n ON n.p = m.p
JOIN says t ON t.principal_type = n.type AND t.principal_id = n.id
WHERE t.kind IN ('session', 'grant') AND instr(t.principal_id, '*') = 0 AND instr(t.principal_id, '?') = 0
UNION
SELECT DISTINCT k.s, t.a, t.term, t.kind, t.start_us, t.end_us, t.effect, t.sc
FROM sought_new k JOIN subject m ON m.s = k.s JOIN principal n ON n.p = m.p
JOIN (SELECT * FROM says WHERE kind IN ('session', 'grant')
                           AND (instr(principal_id, '*') > 0 OR instr(principal_id, '?') > 0)) t
  ON t.principal_type = n.type AND n.id LIKE t.principal_like ESCAPE '!'

-- relation: session_point
-- moments at which the set of live sessions of such a subject changes.
SELECT DISTINCT s, at_us FROM (
  SELECT s, $never AS at_us FROM empowered_new WHERE kind = 'session'
  UNION ALL SELECT s, start_us FROM empowered_new WHERE kind = 'session'
  UNION ALL SELECT s, end_us FROM empowered_new WHERE kind = 'session' AND end_us < $forever
) moments

-- relation: session_span
-- the same as stretches of time, [from_us, until_us).
SELECT s, at_us AS from_us, lead(at_us, 1, $forever) OVER (PARTITION BY s ORDER BY at_us) AS until_us FROM session_point

-- relation: session_live_new
-- the live sessions of each stretch (4.3b: `start <= time < end`, without skew), and how many they are.
SELECT s, from_us, until_us, a, count(*) OVER (PARTITION BY s, from_us) AS live FROM (
  SELECT DISTINCT p.s, p.from_us, p.until_us, e.a FROM session_span p
  JOIN empowered_new e ON e.s = p.s AND e.kind = 'session' AND e.start_us <= p.from_us AND p.from_us < e.end_us
) live_sessions

-- relation: session_stretch_new
SELECT DISTINCT s, from_us, until_us FROM session_live_new

-- relation: session_stretch_many_new
-- subjects with many of them.
SELECT s FROM session_live_new GROUP BY s HAVING count(*) > $few

-- relation: by_session
-- 4.3b: the one live session, or all of them (QW103).
SELECT u.rec, u.a, u.time, u.s, u.v, u.resource_type, u.resource_id, u.outcome, u.twofold, u.live > 1 AS ambiguous
FROM ($found) u

-- relation: want_grant
-- actions for which a grant is looked for: `bare` ones (4.3c, d) and those without an anchor (4.4).
SELECT rec, time, s, v, hash64(resource_type, resource_id) AS r, resource_type, resource_id, outcome, twofold, TRUE AS bare
FROM undecided WHERE rec NOT IN (SELECT rec FROM by_session)
UNION ALL
SELECT rec, time, s, v, hash64(resource_type, resource_id), resource_type, resource_id, outcome, twofold, FALSE FROM unanchored

-- relation: resource_wanted
-- one row per resource of these.
SELECT DISTINCT r, resource_type AS type, resource_id AS id FROM want_grant

-- relation: want_scope_wanted
-- scopes to be tried against a verb and a resource.
SELECT DISTINCT e.sc, w.v, w.r
FROM (SELECT DISTINCT s, v, r FROM want_grant) w JOIN empowered e ON e.s = w.s AND e.kind = 'grant' AND e.sc IS NOT NULL

-- relation: covering
-- one row per (subject, verb, resource, grant term that covers them), with how narrow it is (decision 0001, 22).
SELECT w.s, w.v, w.r, e.a, e.term, e.start_us, e.end_us, e.effect, coalesce(c.narrow, 0) AS narrow
FROM (SELECT DISTINCT s, v, r FROM want_grant) w
JOIN empowered e ON e.s = w.s AND e.kind = 'grant'
LEFT JOIN covers_wanted c ON c.sc = e.sc AND c.v = w.v AND c.r = w.r
WHERE e.sc IS NULL OR c.narrow IS NOT NULL

-- relation: by_grant
-- 4.3c: the narrowest live grant that covers the action; a `deny` wins over an `allow`.
SELECT rec, a, time, s, v, resource_type, resource_id, outcome, twofold, bare FROM (
  SELECT w.*, g.a,
         row_number() OVER (
           PARTITION BY w.rec
           ORDER BY CASE g.effect WHEN 'deny' THEN 0 ELSE 1 END, g.narrow DESC, g.start_us, g.a) AS nth
  FROM want_grant w JOIN covering g ON g.s = w.s AND g.v = w.v AND g.r = w.r
  WHERE g.start_us <= w.time AND w.time < g.end_us
) ranked WHERE nth = 1

-- relation: by_ended_grant
-- 4.3d: else the one that ended last before the action.
SELECT rec, a, time, s, v, resource_type, resource_id, outcome, twofold FROM (
  SELECT w.*, g.a, row_number() OVER (PARTITION BY w.rec ORDER BY g.end_us DESC, g.a) AS nth
  FROM want_grant w JOIN covering g ON g.s = w.s AND g.v = w.v AND g.r = w.r
  WHERE w.bare AND g.end_us <= w.time AND w.rec NOT IN (SELECT rec FROM by_grant)
) ranked WHERE nth = 1

-- relation: entitled_new
-- stretches of time in which a subject has some live grant, whatever it covers; overlapping terms become one.
SELECT s, min(start_us) AS start_us, max(end_us) AS end_us FROM (
  SELECT s, start_us, end_us,
         sum(begins) OVER (PARTITION BY s ORDER BY start_us, end_us, a ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
  FROM (
    SELECT s, a, start_us, end_us,
           CASE WHEN start_us <= max(end_us) OVER (
                  PARTITION BY s ORDER BY start_us, end_us, a ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                THEN 0 ELSE 1 END AS begins
    FROM empowered_new WHERE kind = 'grant' AND start_us < end_us
  ) edges
) islands GROUP BY s, island

-- relation: uncovered
-- QW108: some grant of the principal is live, and none covers this action.
SELECT DISTINCT w.rec FROM want_grant w JOIN entitled e ON e.s = w.s AND e.start_us <= w.time AND w.time < e.end_us
WHERE w.rec NOT IN (SELECT rec FROM by_grant)

-- relation: in_chain
-- authorities that are already in the chain of an unanchored action.
SELECT DISTINCT b.rec, v.node FROM by_grant b
JOIN told1 x ON x.rec = b.rec JOIN use_visit v ON v.use = x.use AND v.node = b.a
WHERE NOT b.bare

-- relation: root2
-- first steps by inference (how 3) and grants that join by 4.4 (how 4, alone: what they cite is not followed).
SELECT b.rec, b.a, CASE WHEN o.a IS NOT NULL THEN 2 ELSE 0 END AS mode, b.time, b.s, b.v, b.resource_type, b.resource_id,
       b.outcome, b.twofold, 3 AS how, TRUE AS sole
FROM by_decision b LEFT JOIN opened o ON o.a = b.a
UNION ALL
SELECT rec, a, 0, time, s, v, resource_type, resource_id, outcome, twofold, 3, NOT ambiguous FROM by_session
UNION ALL SELECT rec, a, 0, time, s, v, resource_type, resource_id, outcome, twofold, 3, TRUE FROM by_grant WHERE bare
UNION ALL SELECT rec, a, 0, time, s, v, resource_type, resource_id, outcome, twofold, 3, TRUE FROM by_ended_grant
UNION ALL
SELECT b.rec, b.a, 1, b.time, b.s, b.v, b.resource_type, b.resource_id, b.outcome, b.twofold, 4, FALSE FROM by_grant b
WHERE NOT b.bare AND NOT EXISTS (SELECT 1 FROM in_chain c WHERE c.rec = b.rec AND c.node = b.a)

-- relation: joined
-- actions that a grant joins (SPEC 4.4).
SELECT rec FROM root2 WHERE how = 4

-- relation: rootless
-- actions of which nothing was found.
SELECT rec, time, s, outcome, twofold FROM want_grant
WHERE bare AND rec NOT IN (SELECT rec FROM by_grant) AND rec NOT IN (SELECT rec FROM by_ended_grant)
