SELECT COUNT(*) AS admins
FROM users
WHERE role = 'admin'
