-- relation: use_fault_new
-- codes that stand of an authority whatever the action is. One row per (new chain, authority, code).
SELECT DISTINCT v.use, v.node, c.code
FROM use_visit_new v JOIN code c ON (v.bits & c.bit) <> 0
WHERE v.bits <> 0 AND c.bit NOT IN ($QW402, $QW104)

-- relation: fault_new
-- which code of which action of this slab is about which authority (NULL: about the principal). Refused actions raise none
-- (SPEC 6).
SELECT DISTINCT rec, code, a, time, s FROM (
  SELECT x.rec, f.code, f.node AS a, x.time, x.s FROM use_fault f JOIN told x ON x.use = f.use WHERE x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW207', g.node, x.time, x.s FROM stranger g
  JOIN told x ON x.use = g.use AND x.s = g.s WHERE x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW206', o.node, x.time, x.s FROM (SELECT * FROM outside1 UNION ALL SELECT * FROM outside2) o
  JOIN told x ON x.rec = o.rec WHERE x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW205', v.node, x.time, x.s FROM use_visit v JOIN told x ON x.use = v.use
  WHERE (v.traits & $denies) <> 0 AND x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW406', v.node, x.time, x.s FROM use_visit v JOIN told x ON x.use = v.use
  WHERE (v.traits & ($credential | $session)) <> 0 AND (v.bits & $QW202) <> 0 AND x.outcome = 0
) f
UNION ALL
SELECT j.rec, c.code, NULL, j.time, j.s FROM judged j JOIN code c ON (j.found & c.bit) <> 0
WHERE c.bit IN ($QW101, $QW102, $QW103, $QW104, $QW105, $QW108, $QW303, $QW606)
  AND (j.found & $principal_codes) <> 0 AND j.found < 281474976710656

-- relation: fault_late
-- the same of unsettled actions, as far as it is known only now.
SELECT DISTINCT l.rec, CASE WHEN l.bits = $QW403 THEN 'QW403' ELSE 'QW402' END AS code, l.node AS a, n.time, n.s
FROM late l JOIN pending n ON n.rec = l.rec WHERE n.found < 281474976710656
UNION ALL
SELECT DISTINCT x.rec, 'QW208', i.node, x.time, x.s
FROM culprit c JOIN issuing i ON i.rec = c.rec JOIN pending_use x ON x.use = i.use WHERE x.outcome <> 2

-- relation: fault_about
-- faults with the subject that each is folded under: the authority, else the principal (SPEC 8, "folded"). A decision is
-- made anew for each action, so folding under it would fold nothing: its faults are the principal's.
SELECT f.rec, f.code, CASE WHEN n.kind <> 'decision' THEN n.a ELSE 0 END AS a,
       CASE WHEN n.kind <> 'decision' THEN 0 ELSE w.p END AS p, f.time, f.a AS at_fault
FROM $faults f JOIN acting w ON w.s = f.s
LEFT JOIN (SELECT a, kind FROM authority) n ON n.a = f.a

-- relation: finding_part_new
-- one row per (code, authority or principal): how many actions, first and last.
SELECT code, a, p, count(*) AS actions, min(time) AS first_us, max(time) AS last_us FROM fault_about GROUP BY code, a, p

-- relation: fifth$x
-- the time of the fifth action of each finding, or of its last.
SELECT code, a, p, max(time) AS time FROM (
  SELECT code, a, p, time, row_number() OVER (PARTITION BY code, a, p ORDER BY time) AS nth FROM $early
) early WHERE nth <= 5 GROUP BY code, a, p

-- relation: sample_part_new
-- those actions of each finding that may be among its first five. Of one time all may be: ids decide.
SELECT e.code, e.a, e.p, e.time, e.rec FROM fault_about e
JOIN fifth_of_slab g ON g.code = e.code AND g.a = e.a AND g.p = e.p AND e.time <= g.time

-- relation: sample_early
-- those of them that may be among the first five of all slabs.
SELECT e.* FROM sample_part e JOIN fifth_of_all f ON f.code = e.code AND f.a = e.a AND f.p = e.p AND e.time <= f.time

-- relation: finding
-- the findings of all slabs together.
SELECT row_number() OVER (ORDER BY code, a, p) AS finding, code, a, p, CAST(sum(actions) AS BIGINT) AS actions, min(first_us) AS first_us,
       max(last_us) AS last_us
FROM finding_part GROUP BY code, a, p

-- relation: sample
-- the first five actions of each finding, by time and id.
SELECT finding, rec, nth, id AS action FROM (
  SELECT g.finding, e.rec, i.id, row_number() OVER (PARTITION BY g.finding ORDER BY e.time, i.id, e.rec) AS nth
  FROM $early e
  JOIN finding g ON g.code = e.code AND g.a = e.a AND g.p = e.p
  JOIN actions_in i ON i.rec = e.rec
) ranked WHERE nth <= 5
