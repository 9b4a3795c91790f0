DELETE FROM alert_firings
WHERE ended_at_ms IS NOT NULL AND ended_at_ms < $1
