SELECT scope, body
FROM alert_states
WHERE scope = $1
