SELECT d.domain, d.app_id
FROM domains d
JOIN apps a ON a.id = d.app_id
WHERE a.state = 'active'
ORDER BY d.domain
