UPDATE installation
SET id = id
