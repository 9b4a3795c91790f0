SELECT scope, name, body
FROM alert_rules
WHERE scope = $1
ORDER BY name
