INSERT INTO users (id, email, password_hash, role, created_at_ms)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (email) DO NOTHING
