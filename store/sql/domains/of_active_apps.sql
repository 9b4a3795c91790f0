SELECT d.domain, d.added_at_ms, d.added_by, d.app_id
FROM domains d
JOIN apps a ON a.id = d.app_id
WHERE a.state = 'active'
ORDER BY d.domain
