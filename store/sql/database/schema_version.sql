SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) AS version
FROM _sqlx_migrations
