INSERT INTO drains (
    id, app_id, sealed_target, address, sources, position, created_at_ms, created_by
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
