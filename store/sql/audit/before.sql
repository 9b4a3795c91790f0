SELECT id, at_ms, actor, token, address, action, target, result, request_id
FROM audit
WHERE id < $1
ORDER BY id DESC
LIMIT $2
