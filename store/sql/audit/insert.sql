INSERT INTO audit (id, at_ms, actor, token, address, action, target, result, request_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
