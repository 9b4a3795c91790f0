INSERT INTO components (name, ok, message, at_ms)
VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET ok = excluded.ok, message = excluded.message, at_ms = excluded.at_ms
