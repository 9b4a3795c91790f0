SELECT
    r.id, r.app_id, r.version, r.image_repository, r.image_digest, r.content, r.formation,
    r.source, r.description, r.deployment_id, r.copy_of, r.created_by, r.created_at_ms,
    r.stable_at_ms, r.pinned, r.image_kept
FROM releases r
JOIN apps a ON a.id = r.app_id
JOIN releases live ON live.id = a.live_release_id
WHERE r.app_id = $1
    AND r.version < live.version
    AND r.content <> live.content
    AND r.stable_at_ms IS NOT NULL
    AND r.image_kept = 1
ORDER BY r.version DESC
LIMIT 1
