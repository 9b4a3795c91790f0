SELECT id, name, state, deploy_branch, live_release_id, created_at_ms, created_by
FROM apps
WHERE state = 'active'
ORDER BY id
