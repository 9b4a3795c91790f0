SELECT id
FROM installation
