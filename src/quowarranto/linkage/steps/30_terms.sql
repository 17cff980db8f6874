-- relation: ended_at
-- one row per (authority, moment at which it was said to end): the reason that counts and its grace.
-- Of several reasons the gravest counts (decision 0001, 6): 1 revoked, 2 closed, 3 expired, 4 superseded, 5 rotated.
SELECT a, time, reason, max(grace_until) AS grace,
       CASE reason WHEN 1 THEN 'revoked' WHEN 2 THEN 'closed' WHEN 3 THEN 'expired' WHEN 4 THEN 'superseded'
                   ELSE 'rotated' END AS reason_name
FROM (
  SELECT a, time, grace_until, rank, min(rank) OVER (PARTITION BY a, time) AS reason
  FROM (
    SELECT f.a, f.time, f.grace_until,
           CASE coalesce(f.end_reason, 'closed')
             WHEN 'revoked' THEN 1 WHEN 'closed' THEN 2 WHEN 'expired' THEN 3 WHEN 'superseded' THEN 4 ELSE 5 END AS rank
    FROM fact f JOIN authority n ON n.a = f.a
    WHERE f.fact = 'ended' AND n.kind <> 'decision'
  ) ranked
) gravest
WHERE rank = reason GROUP BY a, time, reason

-- relation: said
-- every fact of an authority that has several, in the order in which fields are taken over: ended ones first (the
-- earliest last, so that it is the nearest), then established ones by start (SPEC 3; decision 0001, 4 and 5).
SELECT f.a, f.rec, f.fact,
       row_number() OVER (
         PARTITION BY f.a
         ORDER BY CASE f.fact WHEN 'ended' THEN 0 ELSE 1 END,
                  CASE f.fact WHEN 'ended' THEN -f.time ELSE f.start END,
                  CASE f.fact WHEN 'ended' THEN 0 ELSE f.time END,
                  CASE f.fact WHEN 'ended' THEN f.digest END DESC,
                  f.digest) AS nth,
       f.principal_type, f.principal_id, f.principal_like, f.by_type, f.by_id, f.effect, f.scope, f.cites_said, f.issued_by,
       f.requested_by, f.sole_decider, f.justification, f.ticket, f.owner, f.series
FROM fact f
JOIN authority n ON n.a = f.a
WHERE n.kind <> 'decision' AND n.facts > 1

-- relation: taken_over
-- for every fact of `said`, which fact each field comes from: its own or the nearest one before it that has it.
SELECT a, rec, fact, nth,
       max(CASE WHEN principal_id IS NOT NULL THEN nth END) OVER w AS principal_nth,
       max(CASE WHEN by_id IS NOT NULL THEN nth END) OVER w        AS by_nth,
       max(CASE WHEN effect IS NOT NULL THEN nth END) OVER w       AS effect_nth,
       max(CASE WHEN scope IS NOT NULL THEN nth END) OVER w        AS scope_nth,
       max(CASE WHEN cites_said THEN nth END) OVER w               AS cites_nth,
       max(CASE WHEN issued_by IS NOT NULL THEN nth END) OVER w    AS issued_by_nth,
       max(CASE WHEN requested_by IS NOT NULL THEN nth END) OVER w AS requested_by_nth,
       max(CASE WHEN sole_decider IS NOT NULL THEN nth END) OVER w AS decided_by_nth,
       max(CASE WHEN justification IS NOT NULL THEN nth END) OVER w AS justification_nth,
       max(CASE WHEN ticket IS NOT NULL THEN nth END) OVER w       AS ticket_nth,
       max(CASE WHEN owner IS NOT NULL THEN nth END) OVER w        AS owner_nth,
       max(CASE WHEN series IS NOT NULL THEN nth END) OVER w       AS series_nth
FROM said
WINDOW w AS (PARTITION BY a ORDER BY nth ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)

-- relation: composed
-- one row per fact that opens a term of an authority with several facts: all that the term says of itself. `term` is that
-- fact's `rec`, `cites_rec` the fact whose `cites` count.
SELECT t.a, t.rec AS term, pr.principal_type, pr.principal_id, pr.principal_like, byy.by_type, byy.by_id, ef.effect, sc.scope,
       iss.issued_by, rq.requested_by, de.sole_decider, ju.justification, ti.ticket, ow.owner, se.series, ci.rec AS cites_rec
FROM taken_over t
LEFT JOIN said pr  ON pr.a = t.a  AND pr.nth = t.principal_nth
LEFT JOIN said byy ON byy.a = t.a AND byy.nth = t.by_nth
LEFT JOIN said ef  ON ef.a = t.a  AND ef.nth = t.effect_nth
LEFT JOIN said sc  ON sc.a = t.a  AND sc.nth = t.scope_nth
LEFT JOIN said ci  ON ci.a = t.a  AND ci.nth = t.cites_nth
LEFT JOIN said iss ON iss.a = t.a AND iss.nth = t.issued_by_nth
LEFT JOIN said rq  ON rq.a = t.a  AND rq.nth = t.requested_by_nth
LEFT JOIN said de  ON de.a = t.a  AND de.nth = t.decided_by_nth
LEFT JOIN said ju  ON ju.a = t.a  AND ju.nth = t.justification_nth
LEFT JOIN said ti  ON ti.a = t.a  AND ti.nth = t.ticket_nth
LEFT JOIN said ow  ON ow.a = t.a  AND ow.nth = t.owner_nth
LEFT JOIN said se  ON se.a = t.a  AND se.nth = t.series_nth
WHERE t.fact = 'established'

-- relation: opening
-- one row per fact that opens a term whose end is to be looked for; those of `plain` authorities say it themselves.
SELECT f.a, f.rec AS term, f.start, f.time, f.digest, f.valid_until, n.kind, f.series
FROM fact f JOIN authority n ON n.a = f.a
WHERE n.kind <> 'decision' AND n.facts = 1 AND NOT n.plain AND f.fact = 'established'
UNION ALL
SELECT f.a, f.rec, f.start, f.time, f.digest, f.valid_until, n.kind, c.series
FROM composed c JOIN fact f ON f.rec = c.term JOIN authority n ON n.a = c.a

-- relation: never_opened
-- ids with only `ended` facts: one term from minus infinity to the earliest of them (SPEC 3; decision 0001, 8).
SELECT f.a, f.rec, f.time, f.digest, n.kind
FROM (
  SELECT a, rec, time, digest, row_number() OVER (PARTITION BY a ORDER BY time, digest) AS nth
  FROM fact WHERE fact = 'ended' AND a NOT IN (SELECT a FROM fact WHERE fact = 'established')
) f
JOIN authority n ON n.a = f.a
WHERE f.nth = 1 AND n.kind <> 'decision'

-- relation: never_opened_says
-- what the term of such an id says: of each field, the value of the earliest fact that has it.
SELECT f.a,
       min_by(f.principal_type, CASE WHEN f.principal_id IS NOT NULL THEN f.nth END)  AS principal_type,
       min_by(f.principal_id, CASE WHEN f.principal_id IS NOT NULL THEN f.nth END)    AS principal_id,
       min_by(f.principal_like, CASE WHEN f.principal_id IS NOT NULL THEN f.nth END)  AS principal_like,
       min_by(f.by_type, CASE WHEN f.by_id IS NOT NULL THEN f.nth END)                AS by_type,
       min_by(f.by_id, CASE WHEN f.by_id IS NOT NULL THEN f.nth END)                  AS by_id,
       min_by(f.effect, CASE WHEN f.effect IS NOT NULL THEN f.nth END)                AS effect,
       min_by(f.scope, CASE WHEN f.scope IS NOT NULL THEN f.nth END)                  AS scope,
       min_by(f.issued_by, CASE WHEN f.issued_by IS NOT NULL THEN f.nth END)          AS issued_by,
       min_by(f.requested_by, CASE WHEN f.requested_by IS NOT NULL THEN f.nth END)    AS requested_by,
       min_by(f.sole_decider, CASE WHEN f.sole_decider IS NOT NULL THEN f.nth END)    AS sole_decider,
       min_by(f.justification, CASE WHEN f.justification IS NOT NULL THEN f.nth END)  AS justification,
       min_by(f.ticket, CASE WHEN f.ticket IS NOT NULL THEN f.nth END)                AS ticket,
       min_by(f.owner, CASE WHEN f.owner IS NOT NULL THEN f.nth END)                  AS owner,
       min_by(f.rec, CASE WHEN f.cites_said THEN f.nth END)                           AS cites_rec
FROM (
  SELECT f.*, row_number() OVER (PARTITION BY f.a ORDER BY f.time, f.digest) AS nth
  FROM fact f JOIN never_opened n ON n.a = f.a
) f GROUP BY f.a

-- relation: next_ended
-- one row per opening: the first `ended` fact that is not before its start (SPEC 3, 1; a tie ends the term).
SELECT term, ended_us FROM (
  SELECT term, opens,
         min(CASE WHEN opens = 1 THEN NULL ELSE pos END) OVER (
           PARTITION BY a ORDER BY pos, opens DESC, term ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS ended_us
  FROM (
    SELECT o.a, o.start AS pos, 1 AS opens, o.term FROM opening o
    WHERE o.a IN (SELECT a FROM ended_at)
    UNION ALL
    SELECT e.a, e.time, 0, 0 FROM ended_at e
  ) events
) ahead WHERE opens = 1 AND ended_us IS NOT NULL

-- relation: series_start
-- one row per (series, start): the member that begins then, and the grace that it leaves to the one before it.
SELECT o.series, o.start, o.a, max(f.grace_until) AS grace
FROM (SELECT series, start, min(a) AS a FROM opening WHERE series IS NOT NULL GROUP BY series, start) o
JOIN fact f ON f.a = o.a AND f.start = o.start AND f.fact = 'established'
GROUP BY o.series, o.start, o.a

-- relation: several
-- authorities with more than one opening; all others need no comparison among their own terms.
SELECT a FROM opening GROUP BY a HAVING count(*) > 1

-- relation: renewed
-- one row per opening that a later one of the same id follows (SPEC 3, 3): only later starts than its own count.
SELECT term, renewed_us FROM (
  SELECT term, min(start) OVER (PARTITION BY a ORDER BY start RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS renewed_us
  FROM opening WHERE a IN (SELECT a FROM several)
) ahead WHERE renewed_us IS NOT NULL

-- relation: succeeded
-- one row per opening that a later member of its series follows (SPEC 3, 4).
SELECT term, series, succeeded_us FROM (
  SELECT term, series,
         min(start) OVER (PARTITION BY series ORDER BY start RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS succeeded_us
  FROM opening WHERE series IS NOT NULL
) ahead WHERE succeeded_us IS NOT NULL

-- relation: bounded
-- one row per opening with the moment that ends it (SPEC 3, 1 to 4) and the grace given at that moment. An open end is
-- $forever, an unknown start $never.
SELECT b.a, b.term, b.kind, b.start AS start_us, b.time, b.digest, b.end_us,
       CASE WHEN b.end_us = $forever THEN 'open'
            WHEN b.end_us = b.ended_us THEN x.reason_name      -- a tie goes to the reason listed first
            WHEN b.end_us = b.valid_until THEN 'expired'
            WHEN b.end_us = b.renewed_us THEN 'renewed'
            WHEN b.kind = 'credential' THEN 'rotated' ELSE 'superseded' END AS ended_by,
       CASE WHEN b.end_us = $forever THEN NULL
            WHEN b.end_us = b.ended_us THEN CASE WHEN x.reason IN (4, 5) THEN   -- a successor at that moment may give grace too
              greatest(x.grace, CASE WHEN b.succeeded_us = b.ended_us THEN ss.grace END) END
            WHEN b.end_us = b.valid_until THEN NULL
            WHEN b.end_us = b.renewed_us THEN NULL
            ELSE ss.grace END AS grace_us
FROM (
  SELECT o.a, o.term, o.kind, o.start, o.time, o.digest, o.valid_until, e.ended_us, r.renewed_us, s.succeeded_us, s.series,
         coalesce(least(e.ended_us, o.valid_until, r.renewed_us, s.succeeded_us), $forever) AS end_us
  FROM opening o
  LEFT JOIN next_ended e ON e.term = o.term
  LEFT JOIN renewed r ON r.term = o.term
  LEFT JOIN succeeded s ON s.term = o.term
) b
LEFT JOIN ended_at x ON x.a = b.a AND x.time = b.ended_us
LEFT JOIN series_start ss ON ss.series = b.series AND ss.start = b.succeeded_us

-- relation: term
-- one row per interval in which an authority was in force (SPEC 3); [start_us, end_us) half-open, microseconds, UTC.
-- `pref` orders the terms of one authority by how late they end, `nth` by how early they start. `lone`: it
-- has no other, and does not end before it begins.
SELECT f.a, f.rec AS term, f.kind, f.start AS start_us, f.time, CAST(NULL AS STRING) AS digest,
       coalesce(f.valid_until, $forever) AS end_us,
       CASE WHEN coalesce(f.valid_until, $forever) = $forever THEN 'open' ELSE 'expired' END AS ended_by,
       CAST(NULL AS BIGINT) AS grace_us, 1 AS pref, 1 AS nth, coalesce(f.valid_until, $forever) >= f.start AS lone
FROM fact f JOIN authority n ON n.a = f.a WHERE n.plain
UNION ALL
SELECT b.*, 1, 1, b.end_us >= b.start_us FROM bounded b WHERE b.a NOT IN (SELECT a FROM several)
UNION ALL
SELECT b.*,
       row_number() OVER (PARTITION BY a ORDER BY end_us, start_us, time, digest),
       row_number() OVER (PARTITION BY a ORDER BY start_us, end_us, time, digest), FALSE
FROM bounded b WHERE b.a IN (SELECT a FROM several)
UNION ALL
SELECT n.a, n.rec, n.kind, $never, n.time, n.digest, n.time, x.reason_name, CASE WHEN x.reason IN (4, 5) THEN x.grace END, 1, 1,
       TRUE
FROM never_opened n JOIN ended_at x ON x.a = n.a AND x.time = n.time

-- relation: decision
-- one row per decision: its earliest fact, a point at its `time` (SPEC 3; decision 0001, 9). `term` is that fact's `rec`.
SELECT f.a, f.rec AS term, f.time AS at_us, f.valid_until AS until_us
FROM fact f JOIN authority n ON n.a = f.a WHERE n.kind = 'decision' AND n.facts = 1
UNION ALL
SELECT a, rec, time, valid_until FROM (
  SELECT f.a, f.rec, f.time, f.valid_until, row_number() OVER (PARTITION BY f.a ORDER BY f.time, f.digest) AS nth
  FROM fact f JOIN authority n ON n.a = f.a WHERE n.kind = 'decision' AND n.facts > 1
) f WHERE nth = 1
