-- relation: tested_span
-- the first and the last instant at which anything is tested: actions at their time, and what lies below a decision at the
-- decision's. Phases that lie outside need not be looked at. One row.
SELECT coalesce(min(first_us), 0) AS first_us, coalesce(max(last_us), 0) AS last_us FROM (
  SELECT min(time) AS first_us, max(time) AS last_us FROM actions_in
  UNION ALL SELECT min(at_us), max(at_us) FROM decision
) bounds

-- relation: moment
-- of authorities with several terms: one row per moment at which the answer to "which term is tested, and does it hold?"
-- can change.
SELECT DISTINCT a, at_us FROM (
  SELECT a, $never AS at_us FROM term WHERE NOT lone
  UNION ALL SELECT a, start_us - $skew FROM term WHERE NOT lone AND start_us > $never
  UNION ALL SELECT a, start_us FROM term WHERE NOT lone AND start_us > $never
  UNION ALL SELECT a, end_us FROM term WHERE NOT lone AND end_us < $forever
  UNION ALL SELECT a, end_us + $skew FROM term WHERE NOT lone AND end_us < $forever
  UNION ALL
  SELECT a, grace_us + $skew FROM term WHERE NOT lone AND grace_us IS NOT NULL AND ended_by IN ('rotated', 'superseded')
) moments

-- relation: counted
-- at each of them: how many terms have started, have started within the skew, have ended. One row per (a, at).
SELECT a, pos AS at_us, started, near, ended FROM (
  SELECT a, pos, what,
         sum(CASE WHEN what = 1 THEN 1 ELSE 0 END) OVER w AS started,
         sum(CASE WHEN what = 2 THEN 1 ELSE 0 END) OVER w AS near,
         sum(CASE WHEN what = 3 THEN 1 ELSE 0 END) OVER w AS ended
  FROM (
    SELECT a, start_us AS pos, 1 AS what FROM term WHERE NOT lone
    UNION ALL SELECT a, CASE WHEN start_us = $never THEN $never ELSE start_us - $skew END, 2 FROM term WHERE NOT lone
    UNION ALL SELECT a, end_us, 3 FROM term WHERE NOT lone AND end_us < $forever
    UNION ALL SELECT a, at_us, 9 FROM moment
  ) events
  WINDOW w AS (PARTITION BY a ORDER BY pos, what ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
) running WHERE what = 9

-- relation: latest_so_far
-- for the first n terms by start, the `pref` of the one that ends last. One row per (a, nth).
SELECT a, nth, max(pref) OVER (PARTITION BY a ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS pref
FROM term WHERE NOT lone

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

-- relation: phase_several
-- one row per moment of an authority with several terms: from then on `term` is tested and `bits` are its codes.
-- SPEC 5, "in force" and "grace".
SELECT h.a, h.at_us AS from_us,
       lead(h.at_us, 1, $forever) OVER (PARTITION BY h.a ORDER BY h.at_us) AS until_us,
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
    SELECT a, term, row_number() OVER (PARTITION BY a ORDER BY start_us, end_us DESC, time, digest) AS nth
    FROM term WHERE NOT lone
  ) firsts WHERE nth = 1
) f ON f.a = h.a

-- relation: inside
-- decisions that an authority cites; all others are tested where they are cited, by arithmetic, when actions are placed.
SELECT a, term, at_us, until_us FROM decision WHERE a NOT IN (SELECT a FROM opened)

-- relation: phase
-- one row per (authority, stretch of time in which one and the same term is tested with the same outcome): [from_us,
-- until_us), `term`, and `bits`, its codes. SPEC 5, "in force" and "grace". A `lone` term says itself where its phases
-- begin, and so does a decision that some authority cites, tested against its own moment (decision 0001, 11).
SELECT p.a AS node, p.from_us, p.until_us, p.term, p.bits FROM (
  SELECT a, from_us, until_us, term, bits FROM phase_several
  UNION ALL
  SELECT a, $never, start_us - $skew, term, $QW204 FROM term WHERE lone AND start_us > $never
  UNION ALL
  SELECT a, start_us - $skew, start_us, term, $QW604 FROM term WHERE lone AND start_us > $never
  UNION ALL
  SELECT a, start_us, end_us, term, 0 FROM term WHERE lone
  UNION ALL
  SELECT a, end_us, end_us + $skew, term, $QW604 FROM term WHERE lone AND end_us < $forever
  UNION ALL
  SELECT a, end_us + $skew, grace_us + $skew, term, $QW401 FROM term WHERE lone AND ended_by IN ('rotated', 'superseded')
  UNION ALL
  SELECT a, CASE WHEN ended_by IN ('rotated', 'superseded') AND grace_us > end_us THEN grace_us ELSE end_us END + $skew,
         $forever, term,
         CASE WHEN kind = 'exception' AND ended_by NOT IN ('rotated', 'superseded') THEN $QW304
              WHEN ended_by IN ('expired', 'renewed') THEN $QW201
              WHEN ended_by IN ('revoked', 'closed') THEN $QW202
              WHEN ended_by = 'superseded' THEN $QW203 ELSE $QW402 END
  FROM term WHERE lone AND end_us < $forever
  UNION ALL
  SELECT a, $never, at_us - $skew, term, $QW204 FROM inside
  UNION ALL
  SELECT a, at_us - $skew, least(at_us, coalesce(until_us, $forever - $skew) + $skew), term, $QW604 FROM inside
  UNION ALL
  SELECT a, at_us, coalesce(until_us, $forever), term, 0 FROM inside
  UNION ALL
  SELECT a, greatest(at_us, until_us), until_us + $skew, term, $QW604 FROM inside WHERE until_us IS NOT NULL
  UNION ALL
  SELECT a, greatest(at_us - $skew, until_us + $skew), $forever, term, $QW201 FROM inside WHERE until_us IS NOT NULL
) p CROSS JOIN tested_span w
WHERE p.from_us < p.until_us AND p.until_us > w.first_us AND p.from_us <= w.last_us

-- relation: rotated
-- authorities that are at some time rotated and past their grace.
SELECT DISTINCT node FROM phase WHERE (bits & $QW402) <> 0

-- relation: phase_many
-- authorities with many of them.
SELECT node FROM phase GROUP BY node HAVING count(*) > $few

-- relation: point
-- one row per moment from which an authority may be judged otherwise. For an approval also the one from which a use is no
-- longer earlier than it was decided (the order test of SPEC 5), even if all actions are later: a stretch is judged by its
-- beginning.
SELECT node AS a, from_us AS at_us FROM phase
UNION
SELECT t.a, t.time - $skew FROM term t CROSS JOIN tested_span w
WHERE t.kind = 'approval' AND t.time - $skew <= w.last_us
