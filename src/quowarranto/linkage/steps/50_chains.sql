-- The chain below each first step, resolved once per stretch of time in which nothing in it changes, not once per
-- action. Run for the first steps named by a key ($n = 1), then for the inferred and joined ones ($n = 2); what one slab of
-- actions has resolved serves the next ones too.

-- relation: bearing
-- decisions that this slab is the first to open: one row per (decision, authority that it rests on).
SELECT d.a, b.child, d.at_us
FROM (SELECT DISTINCT a FROM root$n WHERE mode = 2) x JOIN opened d ON d.a = x.a JOIN below b ON b.term = d.term
WHERE d.a NOT IN (SELECT a FROM borne)

-- relation: first_new
-- first steps that no slab before had. `mode` as in `root1`; 3 for what lies below a decision that is opened.
SELECT x.a, x.mode
FROM (SELECT DISTINCT a, mode FROM root$n WHERE mode < 2 UNION SELECT child, 3 FROM bearing) x
WHERE NOT EXISTS (SELECT 1 FROM first f WHERE f.a = x.a AND f.mode = x.mode)

-- relation: reach
-- authorities whose phases decide where the stretches begin. (Level by level, see run.py.)
SELECT a, mode, a AS node FROM first_new

-- relation: reach_next
SELECT DISTINCT f.a, f.mode, e.child AS node
FROM reach_front f JOIN edge e ON e.a = f.node
WHERE f.mode <> 1 AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.a = f.a AND r.mode = f.mode AND r.node = e.child)

-- relation: stretch_start
-- one row per moment from which the chain of a first step may look different.
SELECT DISTINCT r.a, r.mode, p.at_us FROM reach r JOIN point p ON p.a = r.node

-- relation: stretch_count
SELECT a, mode, count(*) AS stretches FROM stretch_start GROUP BY a, mode

-- relation: stretch_new
-- one row per stretch of time, [from_us, until_us), of a first step. `use` numbers them through all slabs.
SELECT row_number() OVER (ORDER BY a, mode, from_us) + $known AS use, a, mode, from_us, until_us
FROM (
  SELECT s.a, s.mode, s.at_us AS from_us, $forever AS until_us, c.stretches
  FROM stretch_start s JOIN stretch_count c ON c.a = s.a AND c.mode = s.mode WHERE c.stretches = 1
  UNION ALL
  SELECT s.a, s.mode, s.at_us, lead(s.at_us, 1, $forever) OVER (PARTITION BY s.a, s.mode ORDER BY s.at_us), c.stretches
  FROM stretch_start s JOIN stretch_count c ON c.a = s.a AND c.mode = s.mode WHERE c.stretches > 1
) stretches

-- relation: stretch_many_new
-- first steps with many of them.
SELECT a, mode FROM stretch_count WHERE stretches > $few

-- relation: followed$n
SELECT * FROM root$n WHERE mode < 2

-- relation: borne_new
-- which chains each of those decisions rests on.
SELECT b.a, s.use FROM bearing b
JOIN stretch s ON s.a = b.child AND s.mode = 3 AND s.from_us <= b.at_us AND b.at_us < s.until_us

-- relation: placed$n
-- one row per (action, chain that it rests on), with what the tests need of the action. `under`: the decision below which
-- the chain hangs. The chain of an opened decision is the decision itself, tested against its own moment (decision 0001,
-- 11): too early, early within the skew, in time, late within the skew, too late.
SELECT x.rec, x.use, CAST(NULL AS BIGINT) AS under, x.time, x.s, x.v, x.resource_type, x.resource_id, x.outcome, x.twofold,
       x.how, x.sole
FROM ($followed) x
UNION ALL
SELECT x.rec,
       -(d.a * 8 + CASE WHEN x.time < d.at_us - $skew THEN 0 WHEN x.time >= d.until_us + $skew THEN 4
                        WHEN x.time < d.at_us THEN 1 WHEN x.time >= d.until_us THEN 3 ELSE 2 END),
       NULL, x.time, x.s, x.v, x.resource_type, x.resource_id, x.outcome, x.twofold, x.how, x.sole AND NOT d.bears
FROM root$n x JOIN opened d ON d.a = x.a WHERE x.mode = 2
UNION ALL
SELECT x.rec, b.use, b.a, x.time, x.s, x.v, x.resource_type, x.resource_id, x.outcome, x.twofold, x.how, FALSE
FROM root$n x JOIN borne b ON b.a = x.a WHERE x.mode = 2

-- relation: met_new
-- one row per (chain, subject, verb) that meet in some action, and in none of a slab before.
SELECT k.use, k.s, k.v FROM (SELECT DISTINCT use, s, v FROM placed$n) k
WHERE NOT EXISTS (SELECT 1 FROM met m WHERE m.use = k.use AND m.s = k.s AND m.v = k.v)

-- relation: use_new
-- chains that no slab before had.
SELECT u.use FROM (SELECT DISTINCT use FROM met_new) u WHERE u.use NOT IN (SELECT use FROM use_sum)

-- relation: level
-- the first step of each chain but those of opened decisions. at: the instant tested; ctx: the expected principal once past
-- a delegation (SPEC 5); path: the authorities down to this one.
SELECT s.use, s.a AS node, CAST(NULL AS BIGINT) AS parent, s.from_us AS at_us, CAST(NULL AS STRING) AS ctx_type,
       CAST(NULL AS STRING) AS ctx_id, CASE WHEN s.mode = 3 THEN array_append(array_one(CAST(0 AS BIGINT)), s.a) ELSE array_one(s.a) END AS path,
       s.from_us AS cited_us, s.mode = 1 AS alone
FROM use_new u JOIN stretch s ON s.use = u.use

-- relation: visit_$k
-- authorities on the $k-th level of each chain with their tested term and its codes (SPEC 5). One row per path.
SELECT w.use, w.node, w.parent, w.at_us, w.ctx_type, w.ctx_id, w.path, w.alone, s.kind, w.term, s.sc, s.traits,
       w.bits | s.flags
       | (CASE WHEN d.term IS NOT NULL AND NOT w.alone THEN $QW104 ELSE 0 END)
       | (CASE WHEN s.kind = 'approval' AND s.start_us > $never AND w.cited_us <> $unknown
                    AND s.decided_us > w.cited_us + $skew THEN $QW302 ELSE 0 END)
       | (CASE WHEN w.ctx_id IS NOT NULL AND s.principal_id IS NOT NULL
                    AND NOT (s.principal_type = w.ctx_type AND w.ctx_id LIKE s.principal_like ESCAPE '!')
               THEN $QW207 ELSE 0 END) AS bits
FROM tested w
JOIN says s ON s.term = w.term
LEFT JOIN dangling d ON d.term = w.term

-- relation: level_next
-- what the authorities of this level rest on.
SELECT v.use, b.child AS node, v.node AS parent, coalesce(b.decided_us, v.at_us) AS at_us,
       CASE WHEN b.by_id IS NOT NULL THEN b.by_type ELSE v.ctx_type END AS ctx_type, coalesce(b.by_id, v.ctx_id) AS ctx_id,
       array_append(v.path, b.child) AS path,
       CASE WHEN b.cited_us = $never THEN $unknown ELSE b.cited_us END AS cited_us,
       FALSE AS alone
FROM visit_$k v JOIN below b ON b.term = v.term
WHERE NOT v.alone AND NOT array_contains(v.path, b.child) AND cardinality(v.path) < $max_depth

-- relation: cut_$k
-- chains that come back to an authority of their own path, or go deeper than is followed (SPEC 4.1: QW107).
SELECT DISTINCT v.use, v.node FROM visit_$k v JOIN below b ON b.term = v.term
WHERE NOT v.alone AND (array_contains(v.path, b.child) OR cardinality(v.path) >= $max_depth)
