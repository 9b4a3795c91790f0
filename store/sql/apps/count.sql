SELECT COUNT(*) AS apps
FROM apps
