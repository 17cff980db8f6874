-- relation: action_cite
-- one row per key that an action cites: the authority of that key, or NULL where there is no record of it (SPEC 4.1).
SELECT c.rec, k.a
FROM (SELECT i.rec, explode(i.cites) AS key FROM actions_in i
      WHERE cardinality(i.cites) > 0 AND i.rec NOT IN (SELECT rec FROM left_out)) c
LEFT JOIN key_of k ON k.key = c.key

-- relation: action_dangling
-- actions that themselves cite a key of which there is no record (QW104).
SELECT DISTINCT rec FROM action_cite WHERE a IS NULL

-- relation: unnamed
-- actions for which nothing that they cite is on record.
SELECT x.rec, x.time, x.s, x.p, x.v, x.r, x.outcome, x.twofold, x.correlating FROM action x
WHERE NOT x.citing OR x.rec NOT IN (SELECT rec FROM action_cite WHERE a IS NOT NULL)

-- relation: latest_principal
-- whom each authority empowers "as the latest established fact says" (SPEC 4.2). One row per correlating authority.
SELECT a, principal_type, principal_id, principal_like FROM (
  SELECT s.a, s.principal_type, s.principal_id, s.principal_like,
         row_number() OVER (PARTITION BY s.a ORDER BY t.start_us DESC, t.time DESC, t.digest DESC) AS nth
  FROM says s JOIN term t ON t.term = s.term WHERE s.a IN (SELECT a FROM correlate)
) latest WHERE nth = 1
UNION ALL
SELECT a, principal_type, principal_id, principal_like FROM decision WHERE a IN (SELECT a FROM correlate)

-- relation: correlated
-- one row per (action, authority that shares a value with it and may empower it). SPEC 4.2.
SELECT DISTINCT x.rec, c.a
FROM (SELECT i.rec, u.s, explode(i.correlates) AS value
      FROM actions_in i JOIN unnamed u ON u.rec = i.rec WHERE u.correlating) x
JOIN correlate c ON c.value = x.value
JOIN latest_principal l ON l.a = c.a
JOIN subject m ON m.s = x.s
JOIN principal n ON n.p = m.p
WHERE l.principal_id IS NULL OR (n.type = l.principal_type AND n.id LIKE l.principal_like ESCAPE '!')

-- relation: root1
-- first steps by a key: one row per (action, authority), with what the tests need of the action. `how`: 1 cited,
-- 2 correlated; `alone`: what the authority cites is not followed; `sole`: the action has no other first step.
SELECT c.rec, c.a, x.time, x.s, x.p, x.v, x.r, x.outcome, x.twofold, FALSE AS alone, 1 AS how, NOT x.plural AS sole
FROM action_cite c JOIN action x ON x.rec = c.rec WHERE c.a IS NOT NULL
UNION ALL
SELECT c.rec, c.a, u.time, u.s, u.p, u.v, u.r, u.outcome, u.twofold, FALSE, 2, FALSE
FROM correlated c JOIN unnamed u ON u.rec = c.rec
