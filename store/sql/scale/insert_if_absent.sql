INSERT INTO scale (app_id, process, wanted)
VALUES ($1, $2, 1)
ON CONFLICT (app_id, process) DO NOTHING
