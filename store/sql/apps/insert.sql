INSERT INTO apps (id, name, state, deploy_branch, created_at_ms, created_by)
VALUES ($1, $2, 'active', $3, $4, $5)
ON CONFLICT (name) DO NOTHING
