SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) AS number
FROM autoscale_decisions
WHERE app_id = $1
