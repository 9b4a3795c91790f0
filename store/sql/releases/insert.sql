INSERT INTO releases (
    id, app_id, version, image_repository, image_digest, content, formation, sealed_config, source,
    source_id, description, deployment_id, copy_of, created_by, created_at_ms, pinned, image_kept
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 1)
