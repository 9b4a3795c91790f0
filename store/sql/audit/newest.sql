SELECT id, at_ms, actor, token, address, action, target, result, request_id
FROM audit
ORDER BY id DESC
LIMIT $1
