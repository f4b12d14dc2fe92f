from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connect", "0003_let_owners_decide")]

    operations = [
        migrations.AddField("recipient", "declined_at", models.DateTimeField(null=True)),
    ]
