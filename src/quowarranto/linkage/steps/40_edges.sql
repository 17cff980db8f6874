-- relation: says
-- one row per term or decision: what it says that the tests of SPEC 5 need, with small numbers for what is shared.
-- `flags`: codes that stand whenever this term is the tested one (decision 0001, 17 and 18).
-- `traits`: its kind, whether a chain may end here, whether it has an end (basis, SPEC 6), whether it denies.
SELECT t.a, t.term, t.kind, t.start_us, t.end_us, t.time AS decided_us, o.principal_type, o.principal_id, o.principal_like,
       o.by_type, o.by_id, coalesce(o.effect, 'allow') AS effect, o.scope,
       CASE WHEN o.scope IS NOT NULL THEN hash64(o.scope) END AS sc, o.issued_by, o.cites_rec, o.requested_by,
       o.justification, o.ticket, o.owner,
       (CASE WHEN t.kind IN ('approval', 'exception') AND o.requested_by = o.sole_decider THEN $QW301 ELSE 0 END)
       + (CASE WHEN t.kind = 'exception' AND (coalesce(o.owner, '') = '' OR t.end_us = $forever) THEN $QW305 ELSE 0 END)
       + (CASE WHEN t.kind = 'approval' AND coalesce(o.justification, '') = '' AND coalesce(o.ticket, '') = ''
               THEN $QW306 ELSE 0 END) AS flags,
       (CASE t.kind WHEN 'exception' THEN $exception WHEN 'delegation' THEN $delegation WHEN 'session' THEN $session
                    WHEN 'approval' THEN $approval WHEN 'grant' THEN $grant WHEN 'policy' THEN $policy ELSE $credential END)
       + (CASE WHEN t.kind IN ('policy', 'grant', 'approval', 'exception') THEN $anchored ELSE 0 END)
       + (CASE WHEN t.kind IN ('approval', 'grant', 'credential') AND t.end_us < $forever THEN $ends ELSE 0 END)
       + (CASE WHEN coalesce(o.effect, 'allow') = 'deny' THEN $denies ELSE 0 END) AS traits
FROM term t
JOIN (
  SELECT f.rec AS term, f.principal_type, f.principal_id, f.principal_like, f.by_type, f.by_id, f.effect, f.scope,
         f.issued_by, CASE WHEN f.cites_said THEN f.rec END AS cites_rec, f.requested_by, f.sole_decider, f.justification,
         f.ticket, f.owner
  FROM fact f JOIN authority n ON n.a = f.a WHERE n.facts = 1 AND f.fact = 'established'
  UNION ALL
  SELECT term, principal_type, principal_id, principal_like, by_type, by_id, effect, scope, issued_by, cites_rec,
         requested_by, sole_decider, justification, ticket, owner
  FROM composed
  UNION ALL
  SELECT n.rec, s.principal_type, s.principal_id, s.principal_like, s.by_type, s.by_id, s.effect, s.scope, s.issued_by,
         s.cites_rec, s.requested_by, s.sole_decider, s.justification, s.ticket, s.owner
  FROM never_opened n JOIN never_opened_says s ON s.a = n.a
) o ON o.term = t.term
UNION ALL
SELECT d.a, d.term, 'decision', d.at_us, d.until_us, d.at_us, f.principal_type, f.principal_id, f.principal_like, NULL, NULL,
       coalesce(f.effect, 'allow'), f.scope, CASE WHEN f.scope IS NOT NULL THEN hash64(f.scope) END, f.issued_by,
       CASE WHEN f.cites_said THEN f.rec END, NULL, NULL, NULL, NULL,
       CASE WHEN coalesce(f.effect, 'allow') = 'allow' AND (NOT f.cites_said OR f.citations = 0) THEN $QW109 ELSE 0 END,
       $decision + (CASE WHEN f.effect = 'deny' THEN $denies ELSE 0 END)
FROM decision d JOIN fact f ON f.rec = d.term

-- relation: cited_key
-- one row per (fact, key it cites): the authority of that key, or NULL where there is no record of it (QW104).
SELECT c.rec, k.a AS child, c.key
FROM (SELECT rec, explode(cites) AS key FROM facts_in WHERE cardinality(cites) > 0) c
LEFT JOIN key_of k ON k.key = c.key

-- relation: below
-- one row per (term, authority it rests on), with what the next step down depends on: below a decision the decision's time
-- is the instant, below a delegation that names one its `by` is the expected principal.
SELECT DISTINCT s.term, c.child, s.start_us AS cited_us, CASE WHEN s.kind = 'decision' THEN s.start_us END AS decided_us,
       CASE WHEN s.kind = 'delegation' AND s.by_id IS NOT NULL THEN s.by_type END AS by_type,
       CASE WHEN s.kind = 'delegation' THEN s.by_id END AS by_id
FROM says s JOIN cited_key c ON c.rec = s.cites_rec WHERE c.child IS NOT NULL

-- relation: dangling
-- terms that cite a key of which there is no record.
SELECT DISTINCT s.term FROM says s JOIN cited_key c ON c.rec = s.cites_rec WHERE c.child IS NULL

-- relation: edge
-- one row per (authority, authority below it) at one and the same instant: what lies below a decision is tested at the
-- decision's time and so does not depend on the action's.
SELECT DISTINCT s.a, b.child FROM says s JOIN below b ON b.term = s.term WHERE s.kind <> 'decision'

-- relation: opened
-- decisions that no authority cites. What such a one rests on is tested at its own time, whatever the action is; so its
-- citations are first steps of their own, resolved once for all decisions of a stretch of time and not once for each.
-- `bears`: it rests on something.
SELECT d.a, d.term, d.at_us, d.until_us, d.term IN (SELECT term FROM below) AS bears
FROM decision d WHERE d.a NOT IN (SELECT child FROM below)

-- relation: scope
-- one row per different scope.
SELECT sc, min(scope) AS scope, count(*) - 1 AS twins
FROM (SELECT DISTINCT sc, scope FROM says WHERE scope IS NOT NULL) scopes GROUP BY sc

-- relation: scope_pattern
-- one row per pattern of a scope's rules. A missing list is one pattern that matches everything with length -1; an
-- empty list is no row (decision 0001, 13 and 22).
SELECT DISTINCT sc, item.rule AS rule, item.target AS target, item.pattern_like AS pattern_like, item.typed AS typed,
       item.literal AS literal
FROM (SELECT s.sc, explode(f.scope_patterns) AS item
      FROM (SELECT sc, max(rec) AS rec FROM (
              SELECT hash64(scope) AS sc, rec FROM facts_in WHERE scope IS NOT NULL) spelled GROUP BY sc) s
      JOIN facts_in f ON f.rec = s.rec WHERE cardinality(f.scope_patterns) > 0) patterns
