UPDATE deployments
SET receipt = $2
WHERE id = $1
