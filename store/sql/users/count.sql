SELECT COUNT(*) AS users
FROM users
