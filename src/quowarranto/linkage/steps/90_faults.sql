-- relation: use_fault
-- codes that stand of an authority whatever the action is. One row per (use, authority, code).
SELECT DISTINCT v.use, v.node, c.code
FROM use_visit v JOIN code c ON (v.bits & c.bit) <> 0
WHERE c.bit NOT IN ($QW402, $QW104)

-- relation: fault
-- which code of which action is about which authority (NULL: about the principal). Refused actions raise none (SPEC 6).
SELECT DISTINCT f.rec, f.code, f.a FROM (
  SELECT x.rec, f.code, f.node AS a FROM use_fault f JOIN action_use x ON x.use = f.use WHERE x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW207', g.node FROM stranger g JOIN action_use x ON x.use = g.use AND x.s = g.s WHERE x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW206', v.node
  FROM overstep o JOIN use_visit v ON v.sc = o.sc JOIN action_use x ON x.use = v.use AND x.v = o.v AND x.r = o.r
  WHERE x.outcome <> 2
  UNION ALL
  SELECT l.rec, CASE WHEN l.bits = $QW403 THEN 'QW403' ELSE 'QW402' END, l.node
  FROM late l JOIN action n ON n.rec = l.rec WHERE n.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW205', v.node FROM use_visit v JOIN action_use x ON x.use = v.use
  WHERE v.effect = 'deny' AND x.outcome <> 2
  UNION ALL
  SELECT x.rec, 'QW406', v.node FROM use_visit v JOIN action_use x ON x.use = v.use
  WHERE v.kind IN ('credential', 'session') AND (v.bits & $QW202) <> 0 AND x.outcome = 0
  UNION ALL
  SELECT x.rec, 'QW208', i.node
  FROM culprit c JOIN issuing i ON i.rec = c.rec JOIN action_use x ON x.use = i.use WHERE x.outcome <> 2
  UNION ALL
  SELECT j.rec, c.code, NULL FROM concluded j JOIN code c ON (j.bits & c.bit) <> 0
  WHERE c.bit IN ($QW101, $QW102, $QW103, $QW104, $QW105, $QW108, $QW606)
    AND (j.bits & $principal_codes) <> 0 AND j.outcome <> 2
) f

-- relation: fault_about
-- the same with the subject that it is folded under: the authority, else the principal (SPEC 8, "folded"). A decision is
-- made anew for each action, so folding under it would fold nothing: its faults are the principal's.
SELECT f.rec, f.code, CASE WHEN n.kind <> 'decision' THEN n.a ELSE 0 END AS a,
       CASE WHEN n.kind <> 'decision' THEN 0 ELSE j.p END AS p, j.time
FROM fault f JOIN action j ON j.rec = f.rec
LEFT JOIN (SELECT a, kind FROM authority) n ON n.a = f.a

-- relation: finding
-- one row per (code, authority or principal): how many actions, first and last.
SELECT row_number() OVER (ORDER BY code, a, p) AS finding, code, a, p, count(*) AS actions, min(time) AS first_us,
       max(time) AS last_us
FROM fault_about GROUP BY code, a, p

-- relation: sample
-- the first five actions of each finding, by time and id.
SELECT finding, rec, nth FROM (
  SELECT g.finding, e.rec, row_number() OVER (PARTITION BY g.finding ORDER BY e.time, i.id, e.rec) AS nth
  FROM (
    SELECT code, a, p, rec, time, rank() OVER (PARTITION BY code, a, p ORDER BY time) AS early FROM fault_about
  ) e
  JOIN finding g ON g.code = e.code AND g.a = e.a AND g.p = e.p
  JOIN actions_in i ON i.rec = e.rec
  WHERE e.early <= 5
) ranked WHERE nth <= 5
