SELECT name, ok, message, at_ms
FROM components
ORDER BY name
