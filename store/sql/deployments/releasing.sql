SELECT id
FROM deployments
WHERE finished_at_ms IS NULL AND state = 'releasing'
