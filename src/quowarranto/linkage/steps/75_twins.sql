-- relation: origin_twins
-- origins that share a hash although they differ (QW403 and the root cause `secret-sprawl` compare them by it): none, or
-- the run starts again with the stronger hash, as for `scope` and the sets of scopes below.
SELECT h AS origin FROM (SELECT DISTINCT hash64(origin) AS h, origin FROM actions_in WHERE origin IS NOT NULL) named
GROUP BY h HAVING count(*) > 1

-- relation: set_twins
-- sets of scopes that share a hash although they differ.
SELECT ss FROM use_scopes GROUP BY ss HAVING min(scs) <> max(scs)
