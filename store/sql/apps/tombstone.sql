UPDATE apps
SET state = 'deleting'
WHERE id = $1
