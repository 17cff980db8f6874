-- relation: use_fault
-- codes that stand of an authority whatever the action is. One row per (use, authority, code).
SELECT DISTINCT v.use, v.node, c.code
FROM use_visit v JOIN code c ON (v.bits & c.bit) <> 0
WHERE c.bit NOT IN ($QW402, $QW104)

-- relation: fault
-- which code of which action is about which authority (NULL: about the principal). Refused actions raise none (SPEC 6).
SELECT DISTINCT f.rec, f.code, f.a FROM (
  SELECT x.rec, f.code, f.node AS a FROM use_fault f JOIN action_use x ON x.use = f.use
  UNION ALL
  SELECT x.rec, 'QW207', g.node FROM stranger g JOIN action_use x ON x.use = g.use JOIN action n ON n.rec = x.rec AND n.s = g.s
  UNION ALL
  SELECT x.rec, 'QW206', v.node
  FROM overstep o JOIN use_visit v ON v.sc = o.sc JOIN action_use x ON x.use = v.use
  JOIN action n ON n.rec = x.rec AND n.v = o.v AND n.r = o.r
  UNION ALL
  SELECT rec, CASE WHEN bits = $QW403 THEN 'QW403' ELSE 'QW402' END, node FROM late
  UNION ALL
  SELECT x.rec, 'QW205', v.node FROM use_visit v JOIN action_use x ON x.use = v.use WHERE v.effect = 'deny'
  UNION ALL
  SELECT x.rec, 'QW406', v.node FROM use_visit v JOIN action_use x ON x.use = v.use JOIN action n ON n.rec = x.rec
  WHERE v.kind IN ('credential', 'session') AND (v.bits & $QW202) <> 0 AND n.outcome = 0
  UNION ALL
  SELECT x.rec, 'QW208', i.node FROM culprit c JOIN issuing i ON i.rec = c.rec JOIN action_use x ON x.use = i.use
  UNION ALL
  SELECT j.rec, c.code, NULL FROM verdict j JOIN code c ON (j.bits & c.bit) <> 0
  WHERE c.bit IN ($QW101, $QW102, $QW103, $QW104, $QW105, $QW108, $QW606)
) f JOIN verdict j ON j.rec = f.rec
WHERE j.verdict <> 'refused'

-- relation: finding
-- one row per (code, authority or principal): how many actions, first and last (SPEC 8, "folded").
SELECT row_number() OVER (ORDER BY code, a, p) AS finding, code, a, p, actions, first_us, last_us FROM (
  SELECT f.code, f.a, CASE WHEN f.a IS NULL THEN j.p END AS p, count(*) AS actions, min(j.time) AS first_us,
         max(j.time) AS last_us
  FROM fault f JOIN verdict j ON j.rec = f.rec
  GROUP BY f.code, f.a, CASE WHEN f.a IS NULL THEN j.p END
) folded

-- relation: sample
-- the first five actions of each finding, by time and id.
SELECT finding, rec, nth FROM (
  SELECT e.finding, e.rec, row_number() OVER (PARTITION BY e.finding ORDER BY e.time, i.id, e.rec) AS nth
  FROM (
    SELECT g.finding, f.rec, j.time, rank() OVER (PARTITION BY g.finding ORDER BY j.time) AS early
    FROM fault f JOIN verdict j ON j.rec = f.rec
    JOIN finding g ON g.code = f.code
      AND coalesce(g.a, -1) = coalesce(f.a, -1)
      AND (f.a IS NOT NULL OR g.p = j.p)
  ) e JOIN actions_in i ON i.rec = e.rec
  WHERE e.early <= 5
) ranked WHERE nth <= 5
