SELECT s.app_id, s.process, s.wanted
FROM scale s
JOIN apps a ON a.id = s.app_id
WHERE a.state = 'active'
