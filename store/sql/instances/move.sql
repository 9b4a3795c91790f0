UPDATE instances
SET release_id = $2
WHERE id = $1
