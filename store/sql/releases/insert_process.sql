INSERT INTO release_processes (release_id, process)
VALUES ($1, $2)
