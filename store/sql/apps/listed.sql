SELECT
    a.id, a.name, a.state, a.deploy_branch, a.live_release_id, a.created_at_ms, a.created_by,
    a.live_since_ms,
    r.version AS live_version,
    r.source AS live_source,
    (
        SELECT CAST(COALESCE(SUM(s.wanted), 0) AS BIGINT)
        FROM scale s
        JOIN release_processes p ON p.release_id = a.live_release_id AND p.process = s.process
        WHERE s.app_id = a.id
    ) AS wanted,
    (
        SELECT COUNT(*)
        FROM instances i
        WHERE i.app_id = a.id AND i.state <> 'stopped' AND i.state = 'ready'
    ) AS ready,
    (
        SELECT COUNT(*)
        FROM deployments d
        WHERE d.app_id = a.id
            AND d.finished_at_ms IS NULL
            AND d.state NOT IN ('observing', 'reverting')
    ) AS deploying
FROM apps a
LEFT JOIN releases r ON r.id = a.live_release_id
WHERE a.id = $1
