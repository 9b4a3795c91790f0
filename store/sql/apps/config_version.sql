SELECT config_version
FROM apps
WHERE id = $1
