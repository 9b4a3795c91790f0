SELECT
    id, app_id, sealed_target, address, sources, position, created_at_ms, created_by,
    delivered_at_ms, failing_since_ms, failure, test_asked_ms, test_done_ms, test_error
FROM drains
ORDER BY id
