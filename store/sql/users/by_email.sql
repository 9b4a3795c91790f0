SELECT id, email, password_hash, role, created_at_ms
FROM users
WHERE email = $1
