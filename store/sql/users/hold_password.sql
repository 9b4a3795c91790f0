UPDATE users
SET password_hash = password_hash
WHERE id = $1 AND password_hash = $2
