DELETE FROM events
WHERE id <= (SELECT last_id FROM event_counter) - $1
