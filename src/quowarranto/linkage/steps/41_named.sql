-- relation: citable
-- one row per key that an action may cite: the authority, whether it is a decision that is opened, and whether it is ever
-- rotated (QW403 asks where it was used from before).
SELECT k.key, k.a, o.a IS NOT NULL AS opened, r.node IS NOT NULL AS rotated
FROM key_of k LEFT JOIN opened o ON o.a = k.a LEFT JOIN rotated r ON r.node = k.a

-- relation: cite
-- one row per key that an action of this slab cites, with what the tests need of the action: the authority of that key, or
-- the key itself where there is no record of it (SPEC 4.1). `sole`: the action cites no other.
SELECT x.rec, x.time, x.s, x.v, x.resource_type, x.resource_id, x.outcome, x.twofold, x.sole, k.a, k.opened, k.rotated,
       CASE WHEN k.a IS NULL THEN x.key END AS gone
FROM (
  SELECT rec, time, s, v, resource_type, resource_id, outcome, twofold, cardinality(cites) = 1 AS sole, explode(cites) AS key
  FROM act WHERE cardinality(cites) > 0
) x LEFT JOIN citable k ON k.key = x.key

-- relation: marked
-- citations of which it matters where they came from: of rotated authorities, and of keys without record.
SELECT rec, a, gone FROM cite WHERE a IS NULL OR rotated

-- relation: action_dangling
-- actions that themselves cite a key of which there is no record (QW104).
SELECT DISTINCT rec FROM marked WHERE a IS NULL

-- relation: unnamed
-- actions for which nothing that they cite is on record.
SELECT rec, time, s, v, resource_type, resource_id, outcome, twofold, correlating FROM act WHERE cardinality(cites) = 0
UNION ALL
SELECT rec, time, s, v, resource_type, resource_id, outcome, twofold, correlating FROM act
WHERE cardinality(cites) > 0 AND rec IN (SELECT rec FROM action_dangling)
  AND rec NOT IN (SELECT rec FROM cite WHERE NOT sole AND a IS NOT NULL)

-- relation: latest_principal
-- whom each authority empowers "as the latest established fact says" (SPEC 4.2). One row per correlating authority.
SELECT a, principal_type, principal_id, principal_like FROM (
  SELECT s.a, s.principal_type, s.principal_id, s.principal_like,
         row_number() OVER (PARTITION BY s.a ORDER BY t.start_us DESC, t.time DESC, t.digest DESC) AS nth
  FROM says s JOIN term t ON t.term = s.term WHERE s.a IN (SELECT a FROM correlate)
) latest WHERE nth = 1
UNION ALL
SELECT a, principal_type, principal_id, principal_like FROM says WHERE kind = 'decision' AND a IN (SELECT a FROM correlate)

-- relation: correlated
-- one row per (action, authority that shares a value with it and may empower it). SPEC 4.2.
SELECT DISTINCT x.rec, c.a
FROM (SELECT i.rec, u.s, explode(i.correlates) AS value
      FROM actions_in i JOIN unnamed u ON u.rec = i.rec WHERE u.correlating AND $slab) x
JOIN correlate c ON c.value = x.value
JOIN latest_principal l ON l.a = c.a
JOIN subject m ON m.s = x.s
JOIN principal n ON n.p = m.p
WHERE l.principal_id IS NULL OR (n.type = l.principal_type AND n.id LIKE l.principal_like ESCAPE '!')

-- relation: root1
-- first steps by a key: one row per (action, authority), with what the tests need of the action. `how`: 1 cited,
-- 2 correlated; `sole`: the action has no other first step; `mode`: 0 the chain is followed, 1 only the authority itself
-- counts (4.4), 2 a decision that is opened.
SELECT rec, a, CASE WHEN opened THEN 2 ELSE 0 END AS mode, time, s, v, resource_type, resource_id, outcome, twofold, 1 AS how,
       sole
FROM cite WHERE a IS NOT NULL
UNION ALL
SELECT c.rec, c.a, CASE WHEN o.a IS NOT NULL THEN 2 ELSE 0 END, u.time, u.s, u.v, u.resource_type, u.resource_id, u.outcome,
       u.twofold, 2, FALSE
FROM correlated c JOIN unnamed u ON u.rec = c.rec LEFT JOIN opened o ON o.a = c.a
