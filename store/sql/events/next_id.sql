UPDATE event_counter
SET last_id = last_id + 1
RETURNING last_id
