SELECT id
FROM instances
WHERE state <> 'stopped'
