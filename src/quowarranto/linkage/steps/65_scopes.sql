-- relation: want_verb_wanted
SELECT DISTINCT sc, v FROM want_scope_wanted

-- relation: verb_tried_new
-- (scope, verb) that no slab before had.
SELECT w.sc, w.v FROM want_verb$x w WHERE NOT EXISTS (SELECT 1 FROM verb_tried k WHERE k.sc = w.sc AND k.v = w.v)

-- relation: rule_verb_new
-- rules of a scope that allow a verb, with the longest literal prefix of the patterns that match it.
SELECT w.sc, w.v, p.rule, max(p.literal) AS literal
FROM verb_tried_new w
JOIN verb n ON n.v = w.v
JOIN scope_pattern p ON p.sc = w.sc AND p.target = 'action'
WHERE p.pattern_like IS NULL OR n.verb LIKE p.pattern_like ESCAPE '!'
GROUP BY w.sc, w.v, p.rule

-- relation: covers$x
-- one row per (scope, verb, resource) that some rule of the scope covers, with the narrowest rule's rank: longest
-- resource prefix, then longest action prefix (SPEC 4.3c). A pattern with a `:` before any `/` speaks of `type:id`.
SELECT w.sc, w.v, w.r, max((p.literal + 1) * 4294967296 + rv.literal + 1) AS narrow
FROM want_scope$x w
JOIN rule_verb rv ON rv.sc = w.sc AND rv.v = w.v
JOIN scope_pattern p ON p.sc = w.sc AND p.rule = rv.rule AND p.target = 'resource'
JOIN resource$x n ON n.r = w.r
WHERE p.pattern_like IS NULL
   OR (CASE WHEN p.typed THEN n.type || ':' || n.id ELSE n.id END) LIKE p.pattern_like ESCAPE '!'
GROUP BY w.sc, w.v, w.r

-- relation: covered
-- scopes that cover a verb and resource, where it does not matter how narrowly; a row may stand several times.
SELECT w.sc, w.v, w.r
FROM want_scope_tested w
JOIN rule_verb rv ON rv.sc = w.sc AND rv.v = w.v
JOIN scope_pattern p ON p.sc = w.sc AND p.rule = rv.rule AND p.target = 'resource'
JOIN resource_tested n ON n.r = w.r
WHERE p.pattern_like IS NULL
   OR (CASE WHEN p.typed THEN n.type || ':' || n.id ELSE n.id END) LIKE p.pattern_like ESCAPE '!'
