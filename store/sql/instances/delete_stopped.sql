DELETE FROM instances
WHERE state = 'stopped' AND stopped_at_ms < $1
