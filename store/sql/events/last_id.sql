SELECT last_id
FROM event_counter
