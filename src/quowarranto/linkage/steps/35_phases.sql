-- relation: point
-- one row per moment at which the answer to "which term is tested, and does it hold?" can change for an authority.
SELECT DISTINCT a, at_us FROM (
  SELECT a, $never AS at_us FROM authority
  UNION ALL SELECT a, start_us - $skew FROM term WHERE start_us > $never
  UNION ALL SELECT a, start_us FROM term WHERE start_us > $never
  UNION ALL SELECT a, end_us FROM term WHERE end_us < $forever
  UNION ALL SELECT a, end_us + $skew FROM term WHERE end_us < $forever
  UNION ALL SELECT a, grace_us + $skew FROM term WHERE grace_us IS NOT NULL AND ended_by IN ('rotated', 'superseded')
  UNION ALL SELECT a, time - $skew FROM term WHERE kind = 'approval'   -- the order test of a directly cited approval
  UNION ALL SELECT a, at_us - $skew FROM decision
  UNION ALL SELECT a, at_us FROM decision
  UNION ALL SELECT a, until_us FROM decision WHERE until_us IS NOT NULL
  UNION ALL SELECT a, until_us + $skew FROM decision WHERE until_us IS NOT NULL
) moments

-- relation: counted
-- at each point: how many terms have started, have started within the skew, have ended. One row per (a, at).
SELECT a, pos AS at_us, started, near, ended FROM (
  SELECT a, pos, what,
         sum(CASE WHEN what = 1 THEN 1 ELSE 0 END) OVER w AS started,
         sum(CASE WHEN what = 2 THEN 1 ELSE 0 END) OVER w AS near,
         sum(CASE WHEN what = 3 THEN 1 ELSE 0 END) OVER w AS ended
  FROM (
    SELECT a, start_us AS pos, 1 AS what FROM term
    UNION ALL SELECT a, CASE WHEN start_us = $never THEN $never ELSE start_us - $skew END, 2 FROM term
    UNION ALL SELECT a, end_us, 3 FROM term WHERE end_us < $forever
    UNION ALL SELECT p.a, p.at_us, 9 FROM point p JOIN authority n ON n.a = p.a WHERE n.kind <> 'decision'
  ) events
  WINDOW w AS (PARTITION BY a ORDER BY pos, what ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
) running WHERE what = 9

-- relation: latest_so_far
-- for the first n terms by start, the `pref` of the one that ends last. One row per (a, nth).
SELECT a, nth, max(pref) OVER (PARTITION BY a ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS pref
FROM term

-- relation: held
-- the tested term where one holds exactly (how = 0) or within the skew (how = 1). SPEC 5, decision 0001, 10 a and b.
SELECT c.a, c.at_us, c.ended, c.near,
       CASE WHEN c.at_us < x.end_us THEN x.term WHEN c.at_us < y.end_us + $skew THEN y.term END AS term,
       CASE WHEN c.at_us < x.end_us THEN 0 WHEN c.at_us < y.end_us + $skew THEN 1 END AS how
FROM counted c
LEFT JOIN term x ON x.a = c.a AND x.nth = c.started
LEFT JOIN latest_so_far l ON l.a = c.a AND l.nth = c.near
LEFT JOIN term y ON y.a = c.a AND y.pref = l.pref

-- relation: graced
-- where no term holds: the latest one that ended rotated or superseded and is still in grace (decision 0001, 10 c).
SELECT h.a, h.at_us, max(t.pref) AS pref
FROM held h JOIN term t ON t.a = h.a AND t.end_us <= h.at_us AND h.at_us < t.grace_us + $skew
WHERE h.how IS NULL AND t.ended_by IN ('rotated', 'superseded')
GROUP BY h.a, h.at_us

-- relation: phase
-- one row per (authority, at): from this moment until the next row's, `term` is tested and `bits` are its codes.
-- SPEC 5, "in force" and "grace". A decision is tested against its own moment (decision 0001, 11).
SELECT h.a, h.at_us,
       coalesce(h.term, g.term, e.term, f.term) AS term,
       CASE
         WHEN h.how = 0 THEN 0
         WHEN h.how = 1 THEN $QW604
         WHEN g.term IS NOT NULL THEN $QW401
         WHEN e.term IS NULL THEN $QW204
         WHEN e.ended_by IN ('expired', 'renewed') THEN CASE WHEN e.kind = 'exception' THEN $QW304 ELSE $QW201 END
         WHEN e.ended_by IN ('revoked', 'closed') THEN CASE WHEN e.kind = 'exception' THEN $QW304 ELSE $QW202 END
         WHEN e.ended_by = 'superseded' THEN $QW203
         ELSE $QW402 END AS bits
FROM held h
LEFT JOIN graced gr ON gr.a = h.a AND gr.at_us = h.at_us
LEFT JOIN term g ON g.a = h.a AND g.pref = gr.pref
LEFT JOIN term e ON e.a = h.a AND e.pref = h.ended AND h.how IS NULL
LEFT JOIN (
  SELECT a, term FROM (
    SELECT a, term, row_number() OVER (PARTITION BY a ORDER BY start_us, end_us DESC, time, digest) AS nth FROM term
  ) firsts WHERE nth = 1
) f ON f.a = h.a
UNION ALL
SELECT p.a, p.at_us, d.term,
       CASE
         WHEN p.at_us < d.at_us - $skew THEN $QW204
         WHEN p.at_us >= d.until_us + $skew THEN $QW201
         WHEN p.at_us < d.at_us OR p.at_us >= d.until_us THEN $QW604
         ELSE 0 END
FROM point p JOIN decision d ON d.a = p.a

-- relation: node_phase
-- the same under the names that chains are walked with.
SELECT a AS node, at_us AS from_us, term, bits FROM phase
