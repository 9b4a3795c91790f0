-- Domains of the apps' own, in their normal form: a name is one app's, whoever asks first.

CREATE TABLE domains (
    domain TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    added_at_ms BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    -- Whoever writes another form of the same name would get around the key.
    CHECK (domain = LOWER(domain))
);
CREATE INDEX domains_by_app ON domains (app_id);
