INSERT INTO worker_tasks (worker, rounds, at_ms)
VALUES ($1, $2, $3)
ON CONFLICT (worker) DO UPDATE
SET rounds = excluded.rounds, at_ms = excluded.at_ms
