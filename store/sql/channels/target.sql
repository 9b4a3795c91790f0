SELECT sealed_target
FROM channels
WHERE id = $1
