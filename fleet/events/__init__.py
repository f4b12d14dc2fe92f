"""What happened: one append-only log that history, audit, notifications and webhooks read."""
