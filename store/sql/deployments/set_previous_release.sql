UPDATE deployments
SET previous_release_id = $2
WHERE id = $1
