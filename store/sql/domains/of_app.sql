SELECT domain, added_at_ms, added_by
FROM domains
WHERE app_id = $1
ORDER BY domain
