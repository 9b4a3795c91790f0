DELETE FROM alert_rules
WHERE scope = $1 AND name = $2
