UPDATE apps
SET last_version = last_version + 1
WHERE id = $1
RETURNING last_version
