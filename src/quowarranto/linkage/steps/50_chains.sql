-- The chain below each first step, resolved once per stretch of time in which nothing in it changes, not once per
-- action. Run for the first steps named by a key ($n = 1), then for the inferred and joined ones ($n = 2).

-- relation: first$n
SELECT DISTINCT a, alone FROM root$n

-- relation: reach$n
-- authorities whose phases decide where the stretches begin. (Level by level, see run.py.)
SELECT DISTINCT a, alone, a AS node FROM first$n

-- relation: reach_next$n
SELECT DISTINCT f.a, f.alone, e.child AS node
FROM reach_front$n f JOIN edge e ON e.a = f.node
WHERE NOT f.alone AND NOT EXISTS (SELECT 1 FROM reach$n r WHERE r.a = f.a AND r.alone = f.alone AND r.node = e.child)

-- relation: stretch$n
-- one row per moment from which the chain of a first step may look different.
SELECT DISTINCT r.a, r.alone, p.at_us FROM reach$n r JOIN point p ON p.a = r.node

-- relation: use$n
-- one row per (first step, stretch) in which an action falls.
SELECT row_number() OVER (ORDER BY a, alone, at_us) * 2 + ($n - 1) AS use, a, alone, at_us
FROM (SELECT DISTINCT a, alone, at_us FROM placed$n) used

-- relation: action_use$n
-- one row per (action, use), with what the tests need of the action.
SELECT p.rec, u.use, p.how, p.sole, p.time, p.s, p.p, p.v, p.r, p.outcome, p.twofold FROM placed$n p JOIN use$n u ON u.a = p.a AND u.alone = p.alone AND u.at_us = p.at_us

-- relation: level1_$n
-- the first step of each use. at: the instant tested; ctx: the expected principal once past a delegation (SPEC 5).
SELECT use, a AS node, CAST(NULL AS BIGINT) AS parent, at_us, CAST(NULL AS STRING) AS ctx_type, CAST(NULL AS STRING) AS ctx_id,
       array_one(a) AS path, at_us AS cited_us, alone
FROM use$n

-- relation: visit${n}_$k
-- authorities on the $k-th level of each chain with their tested term and its codes (SPEC 5). One row per path.
SELECT w.use, w.node, w.parent, w.at_us, w.ctx_type, w.ctx_id, w.path, w.alone, $k AS depth,
       s.kind, w.term, s.start_us, s.by_type, s.by_id, s.principal_type, s.principal_id, s.principal_like,
       s.effect, s.sc, s.issued_by, s.ends, d.term IS NOT NULL AND NOT w.alone AS dangles,
       w.bits | s.flags
       | (CASE WHEN d.term IS NOT NULL AND NOT w.alone THEN $QW104 ELSE 0 END)
       | (CASE WHEN s.kind = 'approval' AND s.start_us > $never AND w.cited_us <> $unknown
                    AND s.decided_us > w.cited_us + $skew THEN $QW302 ELSE 0 END)
       | (CASE WHEN w.ctx_id IS NOT NULL AND s.principal_id IS NOT NULL
                    AND NOT (s.principal_type = w.ctx_type AND w.ctx_id LIKE s.principal_like ESCAPE '!')
               THEN $QW207 ELSE 0 END) AS bits
FROM tested${n}_$k w
JOIN says s ON s.term = w.term
LEFT JOIN dangling d ON d.term = w.term

-- relation: level_next$n
-- what the authorities of this level rest on. Below a decision the decision's time is the instant; below a delegation
-- that names one, its `by` is the expected principal.
SELECT DISTINCT v.use, b.child AS node, v.node AS parent,
       CASE WHEN v.kind = 'decision' THEN v.start_us ELSE v.at_us END AS at_us,
       CASE WHEN v.kind = 'delegation' AND v.by_id IS NOT NULL THEN v.by_type ELSE v.ctx_type END AS ctx_type,
       CASE WHEN v.kind = 'delegation' AND v.by_id IS NOT NULL THEN v.by_id ELSE v.ctx_id END AS ctx_id,
       array_append(v.path, b.child) AS path,
       CASE WHEN v.start_us = $never THEN $unknown ELSE v.start_us END AS cited_us,
       FALSE AS alone
FROM visit${n}_$k v JOIN below b ON b.term = v.term
WHERE NOT v.alone AND NOT array_contains(v.path, b.child)

-- relation: cut${n}_$k
-- uses whose chain comes back to an authority of its own path (SPEC 4.1: QW107).
SELECT DISTINCT v.use, v.node FROM visit${n}_$k v JOIN below b ON b.term = v.term
WHERE NOT v.alone AND array_contains(v.path, b.child)

-- relation: use_parent$n
-- who cites whom in each chain; parent NULL: the action itself.
SELECT DISTINCT use, node, parent FROM visit$n
