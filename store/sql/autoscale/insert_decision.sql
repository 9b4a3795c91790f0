INSERT INTO autoscale_decisions (app_id, number, process, at_ms, decision)
VALUES ($1, $2, $3, $4, $5)
