INSERT INTO deliveries (
    id, channel_id, firing_id, body, state, attempts, next_at_ms, created_at_ms
)
VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $5)
