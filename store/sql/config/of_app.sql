SELECT key, sealed, bytes, generated, updated_at_ms
FROM config_values
WHERE app_id = $1
ORDER BY key
