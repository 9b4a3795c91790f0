SELECT
    id, app_id, version, image_repository, image_digest, content, formation, source, description,
    deployment_id, copy_of, created_by, created_at_ms, stable_at_ms, pinned, image_kept
FROM releases
WHERE id = $1
