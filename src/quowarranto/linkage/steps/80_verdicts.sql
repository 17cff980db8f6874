-- relation: span
-- the time that the control records cover (QW105).
SELECT coalesce(min(time), $forever) AS first_us, coalesce(max(time), $never) AS last_us FROM fact

-- relation: dangling_key
-- keys without any record that actions cite themselves.
SELECT c.rec, c.key FROM (
  SELECT i.rec, explode(i.cites) AS key FROM actions_in i WHERE i.rec IN (SELECT rec FROM action_dangling)) c
WHERE NOT EXISTS (SELECT 1 FROM key_of k WHERE k.key = c.key)

-- relation: sprawled
-- actions that cite such a key which actions of more than one origin cite (root cause `secret-sprawl`).
SELECT DISTINCT d.rec FROM dangling_key d JOIN (
  SELECT d.key FROM dangling_key d JOIN action x ON x.rec = d.rec GROUP BY d.key HAVING count(DISTINCT x.origin) > 1
) many ON many.key = d.key

-- relation: judged
-- one row per action: linkage (SPEC 6: 4 proven, 3 partial, 2 inferred, 1 missing) and all codes but QW105 and QW208.
-- Most actions have one first step and nothing beside it; only the others are grouped.
SELECT rec, time, p, outcome, coalesce(how, 0) AS how, kinds, ends,
       CASE WHEN how IN (1, 2) THEN CASE WHEN anchored = 1 THEN 4 ELSE 3 END WHEN how = 3 THEN 2 ELSE 1 END AS linkage,
       bits | (CASE WHEN how IS NULL THEN $QW101 ELSE 0 END) AS bits
FROM (
  SELECT rec, time, p, outcome, how, bits, kinds, ends, anchored
  FROM told WHERE sole AND rec NOT IN (SELECT rec FROM compound)
  UNION ALL
  SELECT rec, max(time), max(p), max(outcome), min(how), bit_or(bits), bit_or(kinds), max(ends), max(anchored)
  FROM (
    SELECT rec, time, p, outcome, how, bits, kinds, ends, anchored
    FROM told WHERE NOT sole OR rec IN (SELECT rec FROM compound)
    UNION ALL
    SELECT rec, time, p, outcome, NULL, CASE WHEN twofold THEN $QW606 ELSE 0 END, 0, 0, 0 FROM rootless
    UNION ALL
    SELECT rec, NULL, NULL, NULL, NULL, bits, 0, 0, 0 FROM aside
  ) several_rows GROUP BY rec
) summed

-- relation: issuing
-- which actions brought about the authorities of each use (SPEC 5, origin).
SELECT DISTINCT v.use, v.node, i.rec
FROM (SELECT DISTINCT use, node, issued_by FROM use_visit WHERE issued_by IS NOT NULL) v
JOIN actions_in i ON i.id = v.issued_by
WHERE i.rec NOT IN (SELECT rec FROM left_out)

-- relation: culprit
-- issuing actions that are unauthorised; grown until nothing changes (the least fixed point of SPEC 5, see run.py).
SELECT DISTINCT j.rec FROM judged j JOIN issuing i ON i.rec = j.rec
WHERE j.outcome <> 2 AND (j.bits & $QW103) = 0 AND j.linkage >= 3 AND (j.bits & $guilty) <> 0

-- relation: tainted
-- actions whose chain holds an authority obtained by one of them (QW208).
SELECT DISTINCT x.rec FROM culprit c JOIN issuing i ON i.rec = c.rec JOIN action_use x ON x.use = i.use

-- relation: culprit_next
SELECT rec FROM culprit
UNION
SELECT j.rec FROM tainted t JOIN judged j ON j.rec = t.rec JOIN (SELECT DISTINCT rec FROM issuing) i ON i.rec = j.rec
WHERE j.outcome <> 2 AND (j.bits & $QW103) = 0 AND j.linkage >= 3

-- relation: concluded
-- one row per action with all of its codes. Not kept: it is `judged` with what the whole case adds.
SELECT j.rec, j.time, j.p, j.outcome, j.how, j.kinds, j.ends, j.linkage,
       j.bits | (CASE WHEN t.rec IS NOT NULL THEN $QW208 ELSE 0 END)
       | (CASE WHEN (j.linkage = 1 OR (j.bits & $QW104) <> 0) AND (j.time < s.first_us OR j.time > s.last_us)
               THEN $QW105 ELSE 0 END) AS bits,
       w.rec IS NOT NULL AS sprawled
FROM judged j CROSS JOIN span s
LEFT JOIN tainted t ON t.rec = j.rec
LEFT JOIN sprawled w ON w.rec = j.rec

-- relation: verdict
-- one row per action (SPEC 6). `bits` holds the codes; names are given where verdicts are shown.
SELECT rec, time, p,
       CASE WHEN outcome = 2 THEN 'refused'
            WHEN (bits & $QW103) <> 0 THEN 'disputed'
            WHEN linkage >= 3 AND (bits & $guilty) <> 0 THEN 'unauthorised'
            WHEN linkage = 4 THEN 'authorised'
            WHEN linkage = 3 OR (linkage = 2 AND (bits & $guilty) = 0) THEN 'presumed'
            ELSE 'unproven' END AS verdict,
       CASE linkage WHEN 4 THEN 'proven' WHEN 3 THEN 'partial' WHEN 2 THEN 'inferred' ELSE 'missing' END AS linkage,
       CASE WHEN (kinds & 1) <> 0 THEN 'exception' WHEN (kinds & 2) <> 0 THEN 'delegated' WHEN (kinds & 4) <> 0 THEN 'pam'
            WHEN (kinds & 8) <> 0 AND ends = 1 THEN 'jit' WHEN (kinds & 16) <> 0 THEN 'rbac'
            WHEN (kinds & 96) <> 0 THEN 'policy' ELSE 'none' END AS basis,
       CASE how WHEN 1 THEN 'cited' WHEN 2 THEN 'correlated' WHEN 3 THEN 'inferred' ELSE 'none' END AS method,
       bits,
       CASE WHEN outcome = 2 OR (bits & $QW103) <> 0 THEN NULL
            WHEN linkage = 4 AND (bits & $guilty) = 0 THEN NULL
            WHEN (bits & $telemetry_gap) <> 0 THEN 'telemetry-gap'
            WHEN (bits & $unmanaged_exception) <> 0 THEN 'unmanaged-exception'
            WHEN (bits & $weak_approval) <> 0 THEN 'weak-approval'
            WHEN (bits & $secret_sprawl) <> 0 OR sprawled THEN 'secret-sprawl'
            WHEN (bits & $stale_authority) <> 0 THEN 'stale-authority'
            WHEN (bits & $detached_system) <> 0 THEN 'detached-system'
            WHEN (bits & $enforcement_bypass) <> 0 THEN 'enforcement-bypass'
            ELSE 'unknown' END AS root_cause
FROM concluded
