SELECT s.app_id, s.process, s.settings, s.paused, s.present, s.present_at_ms
FROM autoscale s
JOIN apps a ON a.id = s.app_id
WHERE a.state = 'active'
ORDER BY s.app_id, s.process
