-- SPEC 5: what depends on the action itself. Run for the first steps named by a key ($n = 1) and for the others ($n = 2).

-- relation: unlike
-- authorities of these chains that empower somebody whose name is not letter for letter the acting principal's.
SELECT k.use, k.s, v.node, t.principal_type, t.principal_id, t.principal_like
FROM (SELECT DISTINCT use, s FROM met_new) k
JOIN use_visit v ON v.use = k.use AND NOT v.lent
JOIN says t ON t.term = v.term AND t.principal_id IS NOT NULL
JOIN acting w ON w.s = k.s
WHERE t.principal_id <> w.principal_id OR t.principal_type <> w.principal_type

-- relation: stranger_new
-- authorities that empower somebody else than the subject (SPEC 5, principal; past a delegation it is in `visit`).
SELECT DISTINCT k.use, k.s, k.node
FROM unlike k JOIN subject m ON m.s = k.s JOIN principal n ON n.p = m.p
GROUP BY k.use, k.s, k.node, k.principal_type, k.principal_id
HAVING max(CASE WHEN n.type = k.principal_type
                     AND (n.id = k.principal_id OR n.id LIKE k.principal_like ESCAPE '!') THEN 1 ELSE 0 END) = 0

-- relation: stranger_use
SELECT DISTINCT use, s FROM stranger

-- relation: set_verb_new
-- one row per (set of scopes, verb) to be tried, and in no slab before.
SELECT k.ss, k.v FROM (SELECT DISTINCT u.ss, x.v FROM met_new x JOIN use_sum u ON u.use = x.use WHERE u.ss IS NOT NULL) k
WHERE NOT EXISTS (SELECT 1 FROM set_verb m WHERE m.ss = k.ss AND m.v = k.v)

-- relation: want_verb_tested
-- the same for each scope by itself.
SELECT DISTINCT coalesce(m.sc, k.ss) AS sc, k.v FROM set_verb_new k LEFT JOIN scope_set m ON m.ss = k.ss

-- relation: scope_try
-- patterns that a resource must match one of, per (scope, verb).
SELECT w.sc, w.v, p.pattern_like, p.typed
FROM (SELECT DISTINCT sc, v FROM want_verb_tested) k JOIN rule_verb w ON w.sc = k.sc AND w.v = k.v
JOIN scope_pattern p ON p.sc = w.sc AND p.rule = w.rule AND p.target = 'resource'

-- relation: easy_new
-- sets of one scope of which at most one pattern is to be tried: row by row, as the actions are tested. `none`: the verb is
-- not covered. `head`: what stands before the first `:` of a pattern against `type:id`, where no wildcard does; `prefix`:
-- the rest, or the whole of another pattern, where it ends in the only wildcard, `*`. Most patterns are of this form, and
-- to compare texts costs a third of what a pattern does.
SELECT ss, v, pattern_like, typed, none, head,
       CASE WHEN (typed = 0 OR head IS NOT NULL) AND substr(rest, length(rest)) = '%' AND instr(rest, '%') = length(rest)
                 AND instr(rest, '_') = 0 AND instr(rest, '!') = 0 THEN substr(rest, 1, length(rest) - 1) END AS prefix
FROM (
  SELECT ss, v, pattern_like, typed, none, CASE WHEN headed THEN before END AS head,
         CASE WHEN headed THEN substr(pattern_like, length(before) + 2) ELSE pattern_like END AS rest
  FROM (
    SELECT ss, v, pattern_like, typed, none, before,
           typed = 1 AND instr(pattern_like, ':') > 0 AND instr(before, '%') = 0 AND instr(before, '_') = 0
             AND instr(before, '!') = 0 AS headed
    FROM (
      SELECT k.ss, k.v, max(t.pattern_like) AS pattern_like, max(CASE WHEN t.typed THEN 1 ELSE 0 END) AS typed,
             count(t.sc) = 0 AS none, substr(max(t.pattern_like), 1, instr(max(t.pattern_like), ':') - 1) AS before
      FROM set_verb_new k LEFT JOIN scope_try t ON t.sc = k.ss AND t.v = k.v
      WHERE k.ss NOT IN (SELECT ss FROM scope_set)
      GROUP BY k.ss, k.v HAVING count(t.sc) <= 1
    ) tries
  ) heads
) rests

-- relation: hard_new
-- all others: tried once per (set of scopes, verb, resource).
SELECT k.ss, k.v FROM set_verb_new k WHERE NOT EXISTS (SELECT 1 FROM easy_new e WHERE e.ss = k.ss AND e.v = k.v)

-- relation: tried
SELECT x.rec, x.use, u.ss, x.v, hash64(x.resource_type, x.resource_id) AS r, x.resource_type, x.resource_id
FROM placed$n x JOIN use_sum u ON u.use = x.use JOIN hard h ON h.ss = u.ss AND h.v = x.v

-- relation: resource_tested
-- one row per resource of these.
SELECT DISTINCT r, resource_type AS type, resource_id AS id FROM tried

-- relation: want_set
-- sets of scopes to be tried against a verb and a resource.
SELECT DISTINCT ss, v, r FROM tried

-- relation: want_scope_tested
SELECT DISTINCT coalesce(m.sc, w.ss) AS sc, w.v, w.r FROM want_set w LEFT JOIN scope_set m ON m.ss = w.ss

-- relation: overstep
-- scopes that do not cover the verb and resource (SPEC 5, scope: every one in the chain must).
SELECT w.sc, w.v, w.r FROM want_scope_tested w
WHERE NOT EXISTS (SELECT 1 FROM covered c WHERE c.sc = w.sc AND c.v = w.v AND c.r = w.r)

-- relation: set_overstep
SELECT DISTINCT w.ss, w.v, w.r, o.sc
FROM want_set w LEFT JOIN scope_set m ON m.ss = w.ss JOIN overstep o ON o.sc = coalesce(m.sc, w.ss) AND o.v = w.v AND o.r = w.r

-- relation: hard_overstep
-- one row per (action, chain, scope of it that does not cover the action).
SELECT DISTINCT x.rec, x.use, o.sc FROM tried x JOIN set_overstep o ON o.ss = x.ss AND o.v = x.v AND o.r = x.r

-- relation: hard_overstep_use
SELECT DISTINCT rec, use FROM hard_overstep

-- relation: told$n
-- one row per (action, chain): the codes of the chain and of its tests, and what the chain consists of. Whether
-- a QW402 is a QW403 is found out last (`late`).
SELECT rec, use, under, time, s, outcome, how, sole, traits,
       bits
       | (CASE WHEN strange THEN $QW207 ELSE 0 END)
       | (CASE WHEN outside THEN $QW206 ELSE 0 END)
       | (CASE WHEN how >= 3 THEN $QW102 ELSE 0 END)
       | (CASE WHEN (traits & $denies) <> 0 AND outcome <> 2 THEN $QW205 ELSE 0 END)
       | (CASE WHEN (traits & $revoked) <> 0 AND outcome = 0 THEN $QW406 ELSE 0 END)
       | (CASE WHEN twofold THEN $QW606 ELSE 0 END) AS bits
FROM (
  SELECT x.rec, x.use, x.under, x.time, x.s, x.outcome, x.how, x.sole, x.twofold, u.traits, u.bits,
         g.use IS NOT NULL AS strange,
         o.rec IS NOT NULL
         OR CASE WHEN e.ss IS NULL THEN FALSE
                 WHEN (e.typed = 0 OR x.resource_type = e.head) AND startswith(x.resource_id, e.prefix) THEN FALSE
                 WHEN e.none THEN TRUE
                 WHEN e.pattern_like IS NULL THEN FALSE
                 WHEN e.typed = 1 THEN NOT (x.resource_type || ':' || x.resource_id LIKE e.pattern_like ESCAPE '!')
                 ELSE NOT (x.resource_id LIKE e.pattern_like ESCAPE '!') END AS outside
  FROM placed$n x
  JOIN use_sum u ON u.use = x.use
  LEFT JOIN stranger_use g ON g.use = x.use AND g.s = x.s
  LEFT JOIN easy e ON e.ss = u.ss AND e.v = x.v
  LEFT JOIN hard_overstep_use o ON o.rec = x.rec AND o.use = x.use
) tested_rows

-- relation: outside$n
-- authorities whose scope does not cover an action of this slab.
SELECT x.rec, v.node FROM told$n x JOIN hard_overstep o ON o.rec = x.rec AND o.use = x.use
JOIN use_visit v ON v.use = o.use AND v.sc = o.sc
UNION
SELECT x.rec, v.node FROM told$n x JOIN use_visit v ON v.use = x.use AND v.sc IS NOT NULL
WHERE (x.bits & $QW206) <> 0 AND NOT EXISTS (SELECT 1 FROM hard_overstep o WHERE o.rec = x.rec AND o.use = x.use)

-- relation: rotated_visit
-- the chains in which they are, and when they were rotated.
SELECT DISTINCT v.use, v.node, t.end_us FROM use_visit v JOIN term t ON t.term = v.term WHERE (v.bits & $QW402) <> 0

-- relation: late_use
-- use after rotation and grace.
SELECT DISTINCT x.rec, r.node, r.end_us
FROM (SELECT rec, use FROM told1 WHERE (bits & $QW402) <> 0
      UNION ALL SELECT rec, use FROM told2 WHERE (bits & $QW402) <> 0) x
JOIN rotated_visit r ON r.use = x.use

-- relation: origin_of
-- where the actions came from of which it matters: late ones, those that cite a rotated authority or a key without record.
SELECT i.rec, i.time, i.origin FROM actions_in i
WHERE $slab AND i.origin IS NOT NULL AND i.rec IN (
  SELECT rec FROM late_use UNION ALL SELECT rec FROM marked)

-- relation: known_origin_new
-- where each rotated authority was used from by actions that cite it, and since when.
SELECT c.a, o.origin, min(o.time) AS first_us
FROM marked c JOIN origin_of o ON o.rec = c.rec WHERE c.a IS NOT NULL GROUP BY c.a, o.origin

-- relation: late_all_new
SELECT l.rec, l.node, l.end_us, o.origin FROM late_use l LEFT JOIN origin_of o ON o.rec = l.rec

-- relation: gone_new
-- keys without any record that actions cite themselves.
SELECT c.rec, c.gone AS key, o.origin FROM marked c LEFT JOIN origin_of o ON o.rec = c.rec WHERE c.a IS NULL

-- relation: aside
-- codes that single actions have beside those of their chains.
SELECT rec, bit_or(bits) AS bits FROM (
  SELECT rec, $QW103 AS bits FROM by_session WHERE ambiguous
  UNION ALL SELECT rec, $QW104 FROM action_dangling
  UNION ALL SELECT rec, $QW108 FROM uncovered
) codes GROUP BY rec
