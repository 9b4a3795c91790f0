SELECT app_id, process, settings, paused, present, present_at_ms
FROM autoscale
WHERE app_id = $1
ORDER BY process
