"""The ground and the front gate: settings, URLs, the Celery app, and the apps that everything else stands on."""
