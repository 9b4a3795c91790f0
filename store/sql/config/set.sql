INSERT INTO config_values (app_id, key, sealed, bytes, generated, updated_at_ms)
VALUES ($1, $2, $3, $4, 0, $5)
ON CONFLICT (app_id, key) DO UPDATE
SET sealed = excluded.sealed,
    bytes = excluded.bytes,
    generated = 0,
    updated_at_ms = excluded.updated_at_ms
