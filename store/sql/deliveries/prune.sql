DELETE FROM deliveries
WHERE state <> 'waiting' AND created_at_ms < $1
