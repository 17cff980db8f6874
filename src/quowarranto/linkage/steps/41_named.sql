-- relation: action_cite
-- one row per key that an action cites: the authority of that key, or NULL where there is no record of it (SPEC 4.1).
SELECT c.rec, k.a
FROM (SELECT i.rec, explode(i.cites) AS key FROM actions_in i
      WHERE cardinality(i.cites) > 0 AND i.rec IN (SELECT rec FROM action WHERE citing)) c
LEFT JOIN key_of k ON k.key = c.key

-- relation: action_dangling
-- actions that themselves cite a key of which there is no record (QW104).
SELECT DISTINCT rec FROM action_cite WHERE a IS NULL

-- relation: unnamed
-- actions for which nothing that they cite is on record.
SELECT x.rec, x.s, x.time FROM action x
WHERE NOT x.citing OR x.rec NOT IN (SELECT rec FROM action_cite WHERE a IS NOT NULL)

-- relation: latest_principal
-- whom each authority empowers "as the latest established fact says" (SPEC 4.2). One row per authority.
SELECT a, principal_type, principal_id, principal_like FROM (
  SELECT a, principal_type, principal_id, principal_like,
         row_number() OVER (PARTITION BY a ORDER BY start_us DESC, time DESC, digest DESC) AS nth
  FROM term
) latest WHERE nth = 1
UNION ALL
SELECT a, principal_type, principal_id, principal_like FROM decision

-- relation: correlated
-- one row per (action, authority that shares a value with it and may empower it). SPEC 4.2.
SELECT DISTINCT x.rec, c.a
FROM (SELECT i.rec, u.s, explode(i.correlates) AS value
      FROM actions_in i JOIN unnamed u ON u.rec = i.rec WHERE cardinality(i.correlates) > 0) x
JOIN correlate c ON c.value = x.value
JOIN latest_principal l ON l.a = c.a
JOIN subject m ON m.s = x.s
JOIN principal n ON n.p = m.p
WHERE l.principal_id IS NULL OR (n.type = l.principal_type AND n.id LIKE l.principal_like ESCAPE '!')

-- relation: root1
-- first steps by a key: one row per (action, authority). `how`: 1 cited, 2 correlated.
SELECT c.rec, c.a, x.time, FALSE AS alone, 1 AS how FROM action_cite c JOIN action x ON x.rec = c.rec WHERE c.a IS NOT NULL
UNION ALL
SELECT c.rec, c.a, x.time, FALSE, 2 FROM correlated c JOIN action x ON x.rec = c.rec
