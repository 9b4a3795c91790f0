-- A parameter that is NULL keeps the column. Columns that can be cleared have a flag before them.
UPDATE instances
SET release_id = COALESCE($2, release_id),
    state = COALESCE($3, state),
    endpoint = CASE WHEN $4 = 1 THEN $5 ELSE endpoint END,
    started = COALESCE($6, started),
    ready_at_ms = COALESCE($7, ready_at_ms),
    draining_since_ms = CASE WHEN $8 = 1 THEN $9 ELSE draining_since_ms END,
    warm_until_ms = CASE WHEN $10 = 1 THEN $11 ELSE warm_until_ms END,
    stopped_at_ms = COALESCE($12, stopped_at_ms),
    restarts = COALESCE($13, restarts),
    reason = CASE WHEN $14 = 1 THEN $15 ELSE reason END,
    in_proxy = COALESCE($16, in_proxy)
WHERE id = $1
RETURNING app_id
