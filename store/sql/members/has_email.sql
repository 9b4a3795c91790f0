SELECT COUNT(*) AS members
FROM users
WHERE email = $1
