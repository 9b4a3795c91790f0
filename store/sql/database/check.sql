SELECT COUNT(*) AS installations
FROM installation
