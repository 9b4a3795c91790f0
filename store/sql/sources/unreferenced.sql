SELECT s.id
FROM sources s
WHERE s.created_at_ms < $1
    AND NOT EXISTS (
        SELECT 1 FROM deployments d
        WHERE d.app_id = s.app_id AND d.source_id = s.id AND d.finished_at_ms IS NULL
    )
    AND NOT EXISTS (
        SELECT 1 FROM releases r
        WHERE r.app_id = s.app_id AND r.source_id = s.id AND r.image_kept = 1
    )
ORDER BY s.id
