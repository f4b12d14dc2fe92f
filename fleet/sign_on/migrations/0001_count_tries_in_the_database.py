"""A table for what all processes count together, where the broker is neither Valkey nor Redis; see fleet.cache."""

from django.db import migrations


class Migration(migrations.Migration):
    # Grants to the application hold for what is made after this.
    dependencies = [("events", "0002_grant_and_guard")]

    operations = [
        # The columns are those of Django's DatabaseCache; unlogged, since a crash may forget tries.
        migrations.RunSQL(
            """
            CREATE UNLOGGED TABLE sign_on_cache (
                cache_key varchar(255) PRIMARY KEY,
                value text NOT NULL,
                expires timestamptz NOT NULL
            );
            CREATE INDEX sign_on_cache_expires ON sign_on_cache (expires);
            """,
            "DROP TABLE sign_on_cache",
        )
    ]
