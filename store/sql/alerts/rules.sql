SELECT scope, name, body
FROM alert_rules
ORDER BY scope, name
