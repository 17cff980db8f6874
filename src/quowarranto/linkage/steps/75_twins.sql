-- relation: origin_twins
-- origins that share a hash although they differ (QW403 and the root cause `secret-sprawl` compare them by it): none, or
-- the run starts again with the stronger hash, as for `scope` and the sets of scopes below.
SELECT hash64(origin) AS origin FROM actions_in WHERE origin IS NOT NULL
GROUP BY hash64(origin) HAVING min(origin) <> max(origin)

-- relation: set_twins
-- sets of scopes that share a hash although they differ.
SELECT ss FROM use_scopes GROUP BY ss HAVING min(scs) <> max(scs)
