SELECT scope, body
FROM alert_states
