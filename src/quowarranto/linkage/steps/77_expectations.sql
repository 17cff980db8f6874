-- What an organisation demands of some actions (SPEC 9). Built only where something is demanded.

-- relation: standing_said
-- every fact of a grant in the order in which fields are taken over (`said` in 30_terms.sql).
SELECT k.a, f.rec, f.standing, f.valid_until,
       row_number() OVER (
         PARTITION BY k.a
         ORDER BY CASE f.fact WHEN 'ended' THEN 0 ELSE 1 END,
                  CASE f.fact WHEN 'ended' THEN -f.time ELSE coalesce(f.valid_from, f.time) END,
                  CASE f.fact WHEN 'ended' THEN 0 ELSE f.time END,
                  CASE f.fact WHEN 'ended' THEN f.digest END DESC, f.digest, f.rec) AS nth
FROM facts_in f JOIN key_of k ON k.key = f.id
WHERE k.a IN (SELECT a FROM authority WHERE kind = 'grant')

-- relation: standing_term
-- terms of grants that stand until somebody ends them: as they say, else those without `valid_until` (SPEC 2).
SELECT s.rec AS term FROM (
  SELECT a, rec, valid_until,
         max(CASE WHEN standing IS NOT NULL THEN nth END) OVER (
           PARTITION BY a ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS said_nth
  FROM standing_said
) s LEFT JOIN standing_said o ON o.a = s.a AND o.nth = s.said_nth
WHERE coalesce(o.standing, s.valid_until IS NULL)

-- relation: fault_expected
-- QW503 and QW405: which authority of an action's chain is more than is allowed there.
SELECT DISTINCT x.rec, 'QW503' AS code, v.node AS a, x.time, x.s
FROM expected m JOIN expectation e ON e.e = m.e AND e.temporary
JOIN told x ON x.rec = m.rec JOIN use_visit v ON v.use = x.use AND v.kind = 'grant'
JOIN standing_term t ON t.term = v.term
UNION ALL
SELECT DISTINCT x.rec, 'QW405', v.node, x.time, x.s
FROM expected m JOIN expectation e ON e.e = m.e AND e.longest IS NOT NULL
JOIN told x ON x.rec = m.rec JOIN use_visit v ON v.use = x.use AND v.kind = 'credential'
JOIN term t ON t.term = v.term
WHERE t.end_us = $forever OR t.end_us - t.start_us > e.longest

-- relation: unmet
-- codes that single actions have because something that is demanded is not there, or something is that must not be.
-- `$unapproved`: what is missing is an approval (root cause `weak-approval`).
SELECT rec, bit_or(bits) AS bits FROM (
  SELECT j.rec, (CASE WHEN (j.kinds & e.need) <> e.need THEN $QW303 ELSE 0 END)
         + (CASE WHEN (e.need & $approval) <> 0 AND (j.kinds & $approval) = 0 THEN $unapproved ELSE 0 END) AS bits
  FROM (SELECT rec, CAST(floor(found / 4294967296) AS BIGINT) & 255 AS kinds FROM judged) j
  JOIN expected m ON m.rec = j.rec JOIN expectation e ON e.e = m.e
  UNION ALL
  SELECT f.rec, c.bit FROM fault_expected f JOIN code c ON c.code = f.code
) codes WHERE bits <> 0 GROUP BY rec

-- relation: judged_expected
SELECT j.rec, j.time, j.s, j.found | coalesce(u.bits, 0) AS found FROM judged j LEFT JOIN unmet u ON u.rec = j.rec
