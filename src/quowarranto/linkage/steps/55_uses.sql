-- relation: decided
-- the visit of each new opened decision.
SELECT u.use, d.a AS node, d.term, CASE u.class WHEN 0 THEN $never WHEN 1 THEN d.at_us - $skew WHEN 2 THEN d.at_us
                                               WHEN 3 THEN d.until_us ELSE d.until_us + $skew END AS at_us,
       s.sc, s.traits,
       s.flags | (CASE u.class WHEN 0 THEN $QW204 WHEN 4 THEN $QW201 WHEN 2 THEN 0 ELSE $QW604 END)
       | (CASE WHEN g.term IS NOT NULL THEN $QW104 ELSE 0 END) AS bits
FROM (SELECT use, (-use) & 7 AS class, CAST(floor((-use) / 8) AS BIGINT) AS a FROM use_new WHERE use < 0) u
JOIN opened d ON d.a = u.a JOIN says s ON s.term = d.term LEFT JOIN dangling g ON g.term = d.term

-- relation: use_visit_new
-- one row per authority of each new chain and way of testing it, without the paths. `lent`: past a delegation.
SELECT use, node, at_us, kind, term, lent, sc, bit_or(traits) AS traits, bit_or(bits) AS bits, min(depth) AS depth
FROM (
  SELECT v.use, v.node, v.at_us, v.kind, v.term, v.ctx_id IS NOT NULL AS lent, v.sc, v.traits,
         v.bits | (CASE WHEN c.use IS NOT NULL THEN $QW107 ELSE 0 END) AS bits, cardinality(v.path) AS depth
  FROM visit v LEFT JOIN cut c ON c.use = v.use AND c.node = v.node
) visits
GROUP BY use, node, at_us, kind, term, lent, sc
UNION ALL
SELECT use, node, at_us, 'decision', term, FALSE, sc, traits, bits, 1 FROM decided

-- relation: use_parent_new
-- who cites whom in each chain; parent NULL: the action itself, or the decision below which the chain hangs.
SELECT DISTINCT use, node, parent FROM visit UNION ALL SELECT use, node, NULL FROM decided

-- relation: use_scopes
-- new chains with several scopes: the set of them, as one hash.
SELECT use, hash64(scs) AS ss, scs FROM (
  SELECT use, array_sort(array_agg(DISTINCT sc)) AS scs FROM use_visit_new WHERE sc IS NOT NULL
  GROUP BY use HAVING min(sc) <> max(sc)) sets

-- relation: set_name_new
SELECT DISTINCT ss, scs FROM use_scopes

-- relation: scope_set
-- the scopes behind each of them; one scope is a set by itself and is not listed.
SELECT DISTINCT ss, sc FROM (SELECT ss, explode(scs) AS sc FROM set_name) sets

-- relation: use_sum_new
-- one row per new chain: all that holds of it whatever the action is.
SELECT v.use, v.bits, v.traits, coalesce(s.ss, v.sc) AS ss FROM (
  SELECT use, bit_or(bits) AS bits,
         bit_or(traits | (CASE WHEN (traits & ($credential | $session)) <> 0 AND (bits & $QW202) <> 0
                               THEN $revoked ELSE 0 END)) AS traits, min(sc) AS sc
  FROM use_visit_new GROUP BY use
) v LEFT JOIN use_scopes s ON s.use = v.use
