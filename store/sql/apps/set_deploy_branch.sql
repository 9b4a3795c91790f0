UPDATE apps
SET deploy_branch = $2
WHERE id = $1 AND state = 'active'
