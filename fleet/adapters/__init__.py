"""How to speak to a car maker's cloud: plain Python, no Django, no ORM, no Celery."""
