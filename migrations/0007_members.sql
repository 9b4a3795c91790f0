-- One-time links by which people join, or set a new password. Only a hash of the secret is stored.

CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    -- At most one link an address works at a time.
    email TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('read', 'deploy', 'write', 'admin')),
    -- Whose new password it is for; NULL for somebody who joins.
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    secret_hash TEXT NOT NULL UNIQUE,
    -- What an admin handed out goes with the admin.
    invited_by TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX invitations_by_inviter ON invitations (invited_by);
CREATE INDEX invitations_by_user ON invitations (user_id);
