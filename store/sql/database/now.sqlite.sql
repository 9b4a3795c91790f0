SELECT CAST(ROUND(unixepoch('subsec') * 1000) AS BIGINT) AS now_ms
