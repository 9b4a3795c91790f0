SELECT CAST(COUNT(*) AS BIGINT) AS rules
FROM alert_rules
WHERE scope = $1 AND name <> $2
