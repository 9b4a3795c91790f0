UPDATE jobs
SET state = 'running',
    owner = $1,
    fence = fence + 1,
    attempts = attempts + 1,
    lease_until_ms = $3
WHERE id = (
    SELECT j.id
    FROM jobs j
    WHERE j.state IN ('queued', 'running')
        AND (
            (j.state = 'queued' AND j.available_at_ms <= $2)
            OR (j.state = 'running' AND j.lease_until_ms <= $2)
        )
        AND NOT (
            j.kind = 'deploy'
            AND EXISTS (
                SELECT 1 FROM jobs other
                WHERE other.app_id = j.app_id
                    AND other.kind = 'deploy'
                    AND other.state = 'running'
                    AND other.id <> j.id
            )
        )
    ORDER BY j.available_at_ms, j.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id, app_id, input, attempts, fence, last_error
