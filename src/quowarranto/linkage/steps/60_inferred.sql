-- relation: half
-- actions with a first step from which no anchor is reached; another first step may reach one.
SELECT DISTINCT x.rec FROM action_use1 x JOIN use_sum1 u ON u.use = x.use WHERE u.anchored = 0

-- relation: unanchored
-- actions with a first step but without an anchor (SPEC 4.4).
SELECT x.rec, x.time, x.s, x.p, x.v, x.r, x.outcome, x.twofold FROM action x
WHERE x.rec IN (SELECT rec FROM half)
  AND x.rec NOT IN (
    SELECT y.rec FROM action_use1 y JOIN use_sum1 u ON u.use = y.use
    WHERE u.anchored = 1 AND y.rec IN (SELECT rec FROM half))

-- relation: bare
-- actions for which neither citation nor correlation found anything (SPEC 4.3 begins here).
SELECT rec, time, s, p, v, r, outcome, twofold FROM unnamed WHERE rec NOT IN (SELECT rec FROM correlated)

-- relation: asked
-- one row per (subject, verb, resource, time) that some decision was asked about; ties go to the highest id (4.3a).
SELECT p, v, r, at_us, max(a) AS a FROM (
  SELECT hash64(request_subject_type, request_subject_id) AS p, hash64(request_action) AS v,
         hash64(request_resource_type, request_resource_id) AS r, at_us, a
  FROM decision
  WHERE request_subject_type IS NOT NULL AND request_subject_id IS NOT NULL AND request_action IS NOT NULL
    AND request_resource_type IS NOT NULL AND request_resource_id IS NOT NULL
) requests GROUP BY p, v, r, at_us

-- relation: bare_late
-- the latest moment at which a decision may have been made for each bare action.
SELECT *, time + $skew AS until_us FROM bare

-- relation: by_decision
-- 4.3a: the latest decision of the same question in [time - window, time + skew].
SELECT rec, a, time, s, p, v, r, outcome, twofold FROM answered WHERE at_us >= time - $window

-- relation: undecided
SELECT * FROM bare WHERE rec NOT IN (SELECT rec FROM by_decision)

-- relation: seeking
-- subjects whose sessions and grants are wanted.
SELECT DISTINCT s FROM (SELECT s FROM undecided UNION ALL SELECT s FROM unanchored) wanted

-- relation: empowered
-- one row per (subject, term of a session or grant that names it): exact names by equality, patterns one by one.
SELECT DISTINCT k.s, t.a, t.term, t.kind, t.start_us, t.end_us, t.effect, t.sc
FROM seeking k JOIN subject m ON m.s = k.s JOIN principal n ON n.p = m.p
JOIN says t ON t.principal_type = n.type AND t.principal_id = n.id
WHERE t.kind IN ('session', 'grant') AND instr(t.principal_id, '*') = 0 AND instr(t.principal_id, '?') = 0
UNION
SELECT DISTINCT k.s, t.a, t.term, t.kind, t.start_us, t.end_us, t.effect, t.sc
FROM seeking k JOIN subject m ON m.s = k.s JOIN principal n ON n.p = m.p
JOIN (SELECT * FROM says WHERE kind IN ('session', 'grant')
                           AND (instr(principal_id, '*') > 0 OR instr(principal_id, '?') > 0)) t
  ON t.principal_type = n.type AND n.id LIKE t.principal_like ESCAPE '!'

-- relation: session_point
-- moments at which the set of live sessions of a subject changes.
SELECT DISTINCT s, at_us FROM (
  SELECT s, $never AS at_us FROM seeking
  UNION ALL SELECT s, start_us FROM empowered WHERE kind = 'session'
  UNION ALL SELECT s, end_us FROM empowered WHERE kind = 'session' AND end_us < $forever
) moments

-- relation: session_live
-- the live sessions from each such moment on (4.3b: `start <= time < end`, without skew).
SELECT DISTINCT p.s, p.at_us, e.a
FROM session_point p JOIN empowered e ON e.s = p.s AND e.kind = 'session' AND e.start_us <= p.at_us AND p.at_us < e.end_us

-- relation: session_count
SELECT s, at_us, count(*) AS live FROM session_live GROUP BY s, at_us

-- relation: by_session
-- 4.3b: the one live session, or all of them (QW103).
SELECT u.rec, l.a, u.time, u.s, u.p, u.v, u.r, u.outcome, u.twofold, c.live > 1 AS ambiguous
FROM undecided_at u JOIN session_live l ON l.s = u.s AND l.at_us = u.at_us JOIN session_count c ON c.s = u.s AND c.at_us = u.at_us

-- relation: want_grant
-- actions for which a grant is looked for: `bare` ones (4.3c, d) and those without an anchor (4.4).
SELECT rec, time, s, p, v, r, outcome, twofold, TRUE AS bare FROM undecided WHERE rec NOT IN (SELECT rec FROM by_session)
UNION ALL
SELECT rec, time, s, p, v, r, outcome, twofold, FALSE FROM unanchored

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
SELECT rec, a, time, s, p, v, r, outcome, twofold, bare FROM (
  SELECT w.*, g.a,
         row_number() OVER (
           PARTITION BY w.rec
           ORDER BY CASE g.effect WHEN 'deny' THEN 0 ELSE 1 END, g.narrow DESC, g.start_us, g.a) AS nth
  FROM want_grant w JOIN covering g ON g.s = w.s AND g.v = w.v AND g.r = w.r
  WHERE g.start_us <= w.time AND w.time < g.end_us
) ranked WHERE nth = 1

-- relation: by_ended_grant
-- 4.3d: else the one that ended last before the action.
SELECT rec, a, time, s, p, v, r, outcome, twofold FROM (
  SELECT w.*, g.a, row_number() OVER (PARTITION BY w.rec ORDER BY g.end_us DESC, g.a) AS nth
  FROM want_grant w JOIN covering g ON g.s = w.s AND g.v = w.v AND g.r = w.r
  WHERE w.bare AND g.end_us <= w.time AND w.rec NOT IN (SELECT rec FROM by_grant)
) ranked WHERE nth = 1

-- relation: entitled
-- stretches of time in which a subject has some live grant, whatever it covers; overlapping terms become one.
SELECT s, min(start_us) AS start_us, max(end_us) AS end_us FROM (
  SELECT s, start_us, end_us,
         sum(begins) OVER (PARTITION BY s ORDER BY start_us, end_us, a ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
  FROM (
    SELECT s, a, start_us, end_us,
           CASE WHEN start_us <= max(end_us) OVER (
                  PARTITION BY s ORDER BY start_us, end_us, a ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                THEN 0 ELSE 1 END AS begins
    FROM empowered WHERE kind = 'grant' AND start_us < end_us
  ) edges
) islands GROUP BY s, island

-- relation: uncovered
-- QW108: some grant of the principal is live, and none covers this action.
SELECT DISTINCT w.rec FROM want_grant w JOIN entitled e ON e.s = w.s AND e.start_us <= w.time AND w.time < e.end_us
WHERE w.rec NOT IN (SELECT rec FROM by_grant)

-- relation: in_chain
-- authorities that are already in the chain of an unanchored action.
SELECT DISTINCT b.rec, v.node FROM by_grant b
JOIN action_use1 x ON x.rec = b.rec JOIN use_visit1 v ON v.use = x.use AND v.node = b.a
WHERE NOT b.bare

-- relation: root2
-- first steps by inference (how 3) and grants that join by 4.4 (how 4, alone: what they cite is not followed).
SELECT rec, a, time, s, p, v, r, outcome, twofold, FALSE AS alone, 3 AS how, TRUE AS sole FROM by_decision
UNION ALL SELECT rec, a, time, s, p, v, r, outcome, twofold, FALSE, 3, NOT ambiguous FROM by_session
UNION ALL SELECT rec, a, time, s, p, v, r, outcome, twofold, FALSE, 3, TRUE FROM by_grant WHERE bare
UNION ALL SELECT rec, a, time, s, p, v, r, outcome, twofold, FALSE, 3, TRUE FROM by_ended_grant
UNION ALL
SELECT b.rec, b.a, b.time, b.s, b.p, b.v, b.r, b.outcome, b.twofold, TRUE, 4, FALSE FROM by_grant b
WHERE NOT b.bare AND NOT EXISTS (SELECT 1 FROM in_chain c WHERE c.rec = b.rec AND c.node = b.a)

-- relation: joined
-- actions that a grant joins (SPEC 4.4).
SELECT rec FROM root2 WHERE how = 4

-- relation: rootless
-- actions of which nothing was found.
SELECT rec, time, p, outcome, twofold FROM bare WHERE rec NOT IN (SELECT rec FROM root2)
