UPDATE drains
SET test_done_ms = $3, test_error = $4
WHERE id = $1 AND test_asked_ms = $2
