-- Changes nothing: it takes the row until the end of the transaction.
UPDATE apps
SET state = state
WHERE id = $1
RETURNING id, name, state, deploy_branch, live_release_id, created_at_ms, created_by
