-- relation: use_subject
-- one row per (use, subject) that meet in some action.
SELECT DISTINCT use, s FROM action_use

-- relation: stranger
-- authorities that empower somebody else than the subject (SPEC 5, principal; past a delegation it is in `visit`).
SELECT DISTINCT k.use, k.s, v.node
FROM use_subject k
JOIN (SELECT DISTINCT use, node, principal_type, principal_id, principal_like FROM use_visit
      WHERE NOT lent AND principal_id IS NOT NULL) v ON v.use = k.use
JOIN subject m ON m.s = k.s
JOIN principal n ON n.p = m.p
GROUP BY k.use, k.s, v.node, v.principal_type, v.principal_id
HAVING max(CASE WHEN n.type = v.principal_type
                     AND (n.id = v.principal_id OR n.id LIKE v.principal_like ESCAPE '!') THEN 1 ELSE 0 END) = 0

-- relation: scope_set
-- the scopes behind each set of scopes.
SELECT DISTINCT s.ss, v.sc FROM use_scopes s JOIN use_visit v ON v.use = s.use AND v.sc IS NOT NULL

-- relation: want_set
-- sets of scopes to be tried against a verb and a resource.
SELECT DISTINCT u.ss, x.v, x.r FROM action_use x JOIN use_sum u ON u.use = x.use WHERE u.ss IS NOT NULL

-- relation: want_scope_tested
SELECT m.sc, w.v, w.r FROM want_set w JOIN scope_set m ON m.ss = w.ss

-- relation: overstep
-- scopes that do not cover the verb and resource (SPEC 5, scope: every one in the chain must).
SELECT w.sc, w.v, w.r FROM want_scope_tested w
WHERE NOT EXISTS (SELECT 1 FROM covered c WHERE c.sc = w.sc AND c.v = w.v AND c.r = w.r)

-- relation: set_overstep
SELECT DISTINCT w.ss, w.v, w.r FROM overstep o JOIN scope_set m ON m.sc = o.sc
JOIN want_set w ON w.ss = m.ss AND w.v = o.v AND w.r = o.r

-- relation: rotated_visit
-- rotated authorities, past their grace, and when they were rotated.
SELECT DISTINCT v.use, v.node, t.end_us FROM use_visit v JOIN term t ON t.term = v.term WHERE (v.bits & $QW402) <> 0

-- relation: known_origin
-- where each of them was used from by actions that cite it, and since when.
SELECT c.a, x.origin, min(x.time) AS first_us
FROM action_cite c JOIN action x ON x.rec = c.rec
WHERE x.origin IS NOT NULL AND c.a IN (SELECT node FROM rotated_visit)
GROUP BY c.a, x.origin

-- relation: late
-- use after rotation and grace: QW403 from an origin that had not used it before, else QW402 (SPEC 5).
SELECT DISTINCT x.rec, r.node,
       CASE WHEN n.origin IS NOT NULL AND (k.first_us IS NULL OR k.first_us >= r.end_us) THEN $QW403 ELSE $QW402 END AS bits
FROM action_use x JOIN rotated_visit r ON r.use = x.use JOIN action n ON n.rec = x.rec
LEFT JOIN known_origin k ON k.a = r.node AND k.origin = n.origin

-- relation: told
-- every first step with what its chain consists of, and the codes of its tests. Not kept: `judged` adds it up.
SELECT x.rec, x.time, x.p, x.outcome, x.how, x.sole,
       (u.bits & ~$QW402)
       | (CASE WHEN g.use IS NOT NULL THEN $QW207 ELSE 0 END)
       | (CASE WHEN o.ss IS NOT NULL THEN $QW206 ELSE 0 END)
       | (CASE WHEN x.how >= 3 THEN $QW102 ELSE 0 END)
       | (CASE WHEN u.denies = 1 AND x.outcome <> 2 THEN $QW205 ELSE 0 END)
       | (CASE WHEN u.revoked = 1 AND x.outcome = 0 THEN $QW406 ELSE 0 END)
       | (CASE WHEN x.twofold THEN $QW606 ELSE 0 END) AS bits,
       u.kinds, u.ends, CASE WHEN x.how <= 2 THEN u.anchored ELSE 0 END AS anchored
FROM action_use x
JOIN use_sum u ON u.use = x.use
LEFT JOIN (SELECT DISTINCT use, s FROM stranger) g ON g.use = x.use AND g.s = x.s
LEFT JOIN set_overstep o ON o.ss = u.ss AND o.v = x.v AND o.r = x.r

-- relation: aside
-- codes that single actions have beside those of their chains.
SELECT rec, bits FROM late
UNION ALL SELECT rec, $QW103 FROM by_session WHERE ambiguous
UNION ALL SELECT rec, $QW104 FROM action_dangling
UNION ALL SELECT rec, $QW108 FROM uncovered

-- relation: compound
-- actions of which several rows must be added up although their first steps say that they are the only one.
SELECT rec FROM aside UNION SELECT rec FROM joined
