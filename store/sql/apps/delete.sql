DELETE FROM apps
WHERE id = $1 AND state = 'deleting'
