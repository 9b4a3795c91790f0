INSERT INTO scale (app_id, process, wanted, before_stop)
VALUES ($1, $2, 1, 1)
ON CONFLICT (app_id, process) DO NOTHING
