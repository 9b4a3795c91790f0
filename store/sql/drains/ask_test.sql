UPDATE drains
SET test_asked_ms = $3, test_done_ms = NULL, test_error = NULL
WHERE app_id = $1 AND id = $2
