"""Who may press: users, teams, memberships, roles and authorities."""
