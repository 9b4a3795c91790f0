DELETE FROM invitations
WHERE invited_by = $1
