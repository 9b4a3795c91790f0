UPDATE apps
SET config_version = config_version + 1
WHERE id = $1
RETURNING config_version
