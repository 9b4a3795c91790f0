SELECT sealed
FROM config_values
WHERE app_id = $1 AND key = $2
