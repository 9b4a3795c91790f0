-- Every use of an image, of whatever app: live, running, pinned, or part of a deployment.
SELECT COUNT(*) AS uses
FROM releases r
WHERE r.image_digest = $1
    AND (
        r.pinned = 1
        OR EXISTS (SELECT 1 FROM apps a WHERE a.live_release_id = r.id)
        OR EXISTS (SELECT 1 FROM instances i WHERE i.release_id = r.id AND i.state <> 'stopped')
        OR EXISTS (
            SELECT 1 FROM deployments d
            WHERE d.app_id = r.app_id
                AND d.finished_at_ms IS NULL
                AND r.id IN (d.release_id, d.previous_release_id, d.target_release_id)
        )
    )
