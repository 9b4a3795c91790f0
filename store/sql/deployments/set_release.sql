UPDATE deployments
SET release_id = $2
WHERE id = $1 AND release_id IS NULL
