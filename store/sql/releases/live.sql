SELECT
    r.id, r.app_id, r.version, r.image_repository, r.image_digest, r.content, r.formation,
    r.source, r.description, r.deployment_id, r.copy_of, r.created_by, r.created_at_ms,
    r.stable_at_ms, r.pinned, r.image_kept
FROM releases r
JOIN apps a ON a.live_release_id = r.id
WHERE a.id = $1
