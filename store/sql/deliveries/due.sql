SELECT
    d.id, d.channel_id, d.body, d.state, d.attempts, d.last_error, d.created_at_ms, d.sent_at_ms
FROM deliveries d
WHERE d.state = 'waiting' AND d.next_at_ms <= $1
    -- How a firing ended is told after that it fired.
    AND NOT EXISTS (
        SELECT 1
        FROM deliveries earlier
        WHERE earlier.channel_id = d.channel_id AND earlier.firing_id = d.firing_id
            AND earlier.id < d.id AND earlier.state = 'waiting'
    )
ORDER BY d.next_at_ms, d.id
LIMIT $2
