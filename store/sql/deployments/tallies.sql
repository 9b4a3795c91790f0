SELECT a.name AS app, d.kind, d.state, COUNT(*) AS deployments
FROM deployments d
JOIN apps a ON a.id = d.app_id
GROUP BY a.name, d.kind, d.state
ORDER BY a.name, d.kind, d.state
