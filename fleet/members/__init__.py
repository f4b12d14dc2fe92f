"""Who belongs to a team: inviting, joining, roles and groups on the screen. The rows live in teams and vehicles."""
