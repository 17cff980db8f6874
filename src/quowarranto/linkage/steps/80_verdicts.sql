-- relation: span
-- the time that the control records cover (QW105).
SELECT coalesce(min(time), $forever) AS first_us, coalesce(max(time), $never) AS last_us FROM fact

-- relation: judged
-- one row per action of this slab: its first steps and what stands beside them, added up. Most actions have one first step;
-- only the others are grouped. `found` packs all that a verdict is made of into one integer: the codes, then from bit 32 on
-- kinds (8 bits), whether something ends, the linkage (SPEC 6: 4 proven, 3 partial, 2 inferred, 1 missing), how the first
-- step was found (0 not at all) and the outcome.
SELECT rec, time, s,
       CAST(bits | (CASE WHEN linkage = 1 THEN $QW101 ELSE 0 END)
            | (CASE WHEN (linkage = 1 OR (bits & $QW104) <> 0) AND (time < first_us OR time > last_us) THEN $QW105 ELSE 0 END)
            AS BIGINT)
       + 4294967296 * CAST((traits & 255) + (CASE WHEN (traits & $ends) <> 0 THEN 256 ELSE 0 END) + 512 * linkage
                           + 4096 * coalesce(how, 0) + 32768 * outcome AS BIGINT) AS found
FROM (
  SELECT g.*, p.first_us, p.last_us,
         CASE WHEN how IN (1, 2) THEN CASE WHEN (traits & $anchored) <> 0 THEN 4 ELSE 3 END WHEN how = 3 THEN 2 ELSE 1 END
           AS linkage
  FROM (
  SELECT t.rec, t.time, t.s, t.outcome, t.how, t.traits, t.bits | coalesce(b.bits, 0) AS bits
  FROM told1 t LEFT JOIN aside b ON b.rec = t.rec WHERE t.sole AND t.rec NOT IN (SELECT rec FROM joined)
  UNION ALL
  SELECT t.rec, t.time, t.s, t.outcome, t.how, t.traits, t.bits | coalesce(b.bits, 0)
  FROM told2 t LEFT JOIN aside b ON b.rec = t.rec WHERE t.sole
  UNION ALL
  SELECT t.rec, t.time, t.s, t.outcome, NULL, 0, (CASE WHEN t.twofold THEN $QW606 ELSE 0 END) | coalesce(b.bits, 0)
  FROM rootless t LEFT JOIN aside b ON b.rec = t.rec
  UNION ALL
  SELECT t.rec, t.time, t.s, t.outcome, t.how, t.traits, t.bits | coalesce(b.bits, 0)
  FROM (
    SELECT rec, max(time) AS time, max(s) AS s, max(outcome) AS outcome, min(how) AS how, bit_or(bits) AS bits,
           bit_or(CASE WHEN how <= 2 THEN traits ELSE traits & ~$anchored END) AS traits
    FROM (
      SELECT rec, time, s, outcome, how, bits, traits FROM told1 WHERE NOT sole OR rec IN (SELECT rec FROM joined)
      UNION ALL
      SELECT rec, time, s, outcome, how, bits, traits FROM told2 WHERE NOT sole
    ) rows_of_several GROUP BY rec
  ) t LEFT JOIN aside b ON b.rec = t.rec
) g CROSS JOIN span p
) added

-- relation: issuer
-- actions that brought about what a term says it was issued by (SPEC 5, origin).
SELECT DISTINCT s.term, i.rec
FROM (SELECT term, issued_by FROM says WHERE issued_by IS NOT NULL) s
JOIN actions_in i ON i.id = s.issued_by
WHERE i.rec NOT IN (SELECT rec FROM left_out)

-- relation: issuing_new
-- which actions brought about the authorities of each new chain.
SELECT DISTINCT v.use, v.node, i.rec FROM use_visit_new v JOIN issuer i ON i.term = v.term

-- relation: unsettled
-- actions of this slab of which only the whole case tells the verdict: use after rotation (QW402 or QW403), a key without
-- record (root cause `secret-sprawl`), origin (QW208).
SELECT rec FROM late_all_new
UNION SELECT rec FROM gone_new
UNION SELECT rec FROM issuer
UNION SELECT rec FROM told1 WHERE use IN (SELECT use FROM issuing)
UNION SELECT rec FROM told2 WHERE use IN (SELECT use FROM issuing)

-- relation: pending_new
SELECT rec, time, s, found FROM judged WHERE rec IN (SELECT rec FROM unsettled)

-- relation: pending_use_new
-- their chains, where an action brought about some authority of it.
SELECT rec, use, time, s, outcome FROM told1 WHERE use IN (SELECT use FROM issuing)
UNION ALL SELECT rec, use, time, s, outcome FROM told2 WHERE use IN (SELECT use FROM issuing)

-- relation: settled
SELECT rec, time, s, found FROM judged WHERE rec NOT IN (SELECT rec FROM unsettled)

-- relation: late
-- use after rotation and grace: QW403 from an origin that had not used it before, else QW402 (SPEC 5).
SELECT DISTINCT l.rec, l.node,
       CASE WHEN l.origin IS NOT NULL AND (k.first_us IS NULL OR k.first_us >= l.end_us) THEN $QW403 ELSE $QW402 END AS bits
FROM late_all l LEFT JOIN (SELECT a, origin, min(first_us) AS first_us FROM known_origin GROUP BY a, origin) k
  ON k.a = l.node AND k.origin = l.origin

-- relation: sprawled
-- actions that cite a key without record which actions of more than one origin cite (root cause `secret-sprawl`).
SELECT DISTINCT d.rec FROM gone d JOIN (
  SELECT key FROM gone GROUP BY key HAVING count(DISTINCT origin) > 1) many ON many.key = d.key

-- relation: accused
-- issuing actions, each with whether it is unauthorised by itself, or would be with QW208.
SELECT rec, (found & $guilty) <> 0 AS guilty
FROM (SELECT rec, found, CAST(floor(found / 4294967296) AS BIGINT) AS packed FROM pending WHERE rec IN (SELECT rec FROM issuer)) j
WHERE (found & $QW103) = 0 AND (packed & 3584) >= 1536 AND packed < 65536

-- relation: culprit
-- issuing actions that are unauthorised; grown until nothing changes (the least fixed point of SPEC 5, see run.py).
SELECT rec FROM accused WHERE guilty

-- relation: tainted
-- actions whose chain holds an authority obtained by one of them (QW208).
SELECT DISTINCT x.rec FROM culprit c JOIN issuing i ON i.rec = c.rec JOIN pending_use x ON x.use = i.use

-- relation: culprit_next
SELECT rec FROM culprit UNION SELECT rec FROM accused WHERE rec IN (SELECT rec FROM tainted)

-- relation: cleared
-- the unsettled actions with what the whole case adds.
SELECT p.rec, p.time, p.s,
       (p.found & ~$QW402) | coalesce(l.bits, 0) | (CASE WHEN t.rec IS NOT NULL THEN $QW208 ELSE 0 END)
       | (CASE WHEN w.rec IS NOT NULL THEN 562949953421312 ELSE 0 END) AS found
FROM pending p
LEFT JOIN (SELECT rec, bit_or(bits) AS bits FROM late GROUP BY rec) l ON l.rec = p.rec
LEFT JOIN tainted t ON t.rec = p.rec
LEFT JOIN sprawled w ON w.rec = p.rec

-- relation: conclusion
-- one row per different outcome of the tests: what SPEC 6 makes of it.
SELECT found, bits,
       CASE WHEN outcome = 2 THEN 'refused'
            WHEN (bits & $QW103) <> 0 THEN 'disputed'
            WHEN linkage >= 3 AND (bits & $guilty) <> 0 THEN 'unauthorised'
            WHEN linkage = 4 THEN 'authorised'
            WHEN linkage = 3 OR (linkage = 2 AND (bits & $guilty) = 0) THEN 'presumed'
            ELSE 'unproven' END AS verdict,
       CASE linkage WHEN 4 THEN 'proven' WHEN 3 THEN 'partial' WHEN 2 THEN 'inferred' ELSE 'missing' END AS linkage,
       CASE WHEN (kinds & $exception) <> 0 THEN 'exception' WHEN (kinds & $delegation) <> 0 THEN 'delegated'
            WHEN (kinds & $session) <> 0 THEN 'pam' WHEN (kinds & $approval) <> 0 AND ends THEN 'jit'
            WHEN (kinds & $grant) <> 0 THEN 'rbac' WHEN (kinds & ($policy | $decision)) <> 0 THEN 'policy'
            ELSE 'none' END AS basis,
       CASE how WHEN 1 THEN 'cited' WHEN 2 THEN 'correlated' WHEN 3 THEN 'inferred' ELSE 'none' END AS method,
       CASE WHEN outcome = 2 OR (bits & $QW103) <> 0 THEN NULL
            WHEN linkage = 4 AND (bits & $guilty) = 0 THEN NULL
            WHEN (bits & $telemetry_gap) <> 0 THEN 'telemetry-gap'
            WHEN (bits & $unmanaged_exception) <> 0 THEN 'unmanaged-exception'
            WHEN (bits & ($weak_approval | $unapproved)) <> 0 THEN 'weak-approval'
            WHEN (bits & $secret_sprawl) <> 0 OR sprawled THEN 'secret-sprawl'
            WHEN (bits & $stale_authority) <> 0 THEN 'stale-authority'
            WHEN (bits & $detached_system) <> 0 THEN 'detached-system'
            WHEN (bits & $enforcement_bypass) <> 0 THEN 'enforcement-bypass'
            ELSE 'unknown' END AS root_cause
FROM (
  SELECT found, found & 4294967295 AS bits, packed & 255 AS kinds, (packed & 256) <> 0 AS ends,
         CAST(floor((packed & 3584) / 512) AS INT) AS linkage, CAST(floor((packed & 28672) / 4096) AS INT) AS how,
         CAST(floor((packed & 98304) / 32768) AS INT) AS outcome, (packed & 131072) <> 0 AS sprawled
  FROM (SELECT found, CAST(floor(found / 4294967296) AS BIGINT) AS packed
        FROM (SELECT DISTINCT found FROM $judgements) different) unpacked
) fields

-- relation: concluded
-- the same with the codes as text.
SELECT c.found, c.verdict, c.linkage, c.basis, c.method, t.codes, c.root_cause
FROM conclusion c JOIN code_text t ON t.bits = c.bits

-- relation: verdict
-- one row per action (SPEC 6).
SELECT j.rec, j.time, c.verdict, c.linkage, c.basis, c.method, c.codes, c.root_cause
FROM $judgements j JOIN concluded c ON c.found = j.found
