-- relation: use_visit$n
-- one row per authority of each use and way of testing it, without the paths.
SELECT use, node, at_us, kind, term, principal_type, principal_id, principal_like,
       ctx_id IS NOT NULL AS lent, effect, sc, issued_by, ends, 
       bit_or(bits | (CASE WHEN cut THEN $QW107 ELSE 0 END)) AS bits, min(depth) AS depth
FROM visit$n
GROUP BY use, node, at_us, kind, term, principal_type, principal_id, principal_like, ctx_id IS NOT NULL, effect, sc, issued_by,
         ends

-- relation: use_scopes$n
-- the set of scopes of each use, as one hash.
SELECT use, hash64(scs) AS ss, scs FROM (
  SELECT use, array_sort(array_agg(DISTINCT sc)) AS scs FROM use_visit$n WHERE sc IS NOT NULL GROUP BY use) sets

-- relation: use_sum$n
-- one row per use: all that holds of it whatever the action is.
-- kinds: bits 1 exception, 2 delegation, 4 session, 8 approval, 16 grant, 32 policy, 64 decision, 128 credential.
SELECT v.use, bit_or(v.bits) AS bits, min(s.ss) AS ss,
       bit_or(CASE v.kind WHEN 'exception' THEN 1 WHEN 'delegation' THEN 2 WHEN 'session' THEN 4 WHEN 'approval' THEN 8
                          WHEN 'grant' THEN 16 WHEN 'policy' THEN 32 WHEN 'decision' THEN 64 ELSE 128 END) AS kinds,
       max(CASE WHEN v.kind IN ('policy', 'grant', 'approval', 'exception') THEN 1 ELSE 0 END) AS anchored,
       max(CASE WHEN v.kind IN ('approval', 'grant', 'credential') AND v.ends THEN 1 ELSE 0 END) AS ends,
       max(CASE WHEN v.effect = 'deny' THEN 1 ELSE 0 END) AS denies,
       max(CASE WHEN v.kind IN ('credential', 'session') AND (v.bits & $QW202) <> 0 THEN 1 ELSE 0 END) AS revoked
FROM use_visit$n v LEFT JOIN use_scopes$n s ON s.use = v.use
GROUP BY v.use
