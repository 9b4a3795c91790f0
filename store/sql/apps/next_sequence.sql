UPDATE apps
SET last_sequence = last_sequence + 1
WHERE id = $1
RETURNING last_sequence
