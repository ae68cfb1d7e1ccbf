import django.utils.timezone
from django.db import migrations, models

import crudauth_django.identity.fields


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [
        migrations.AlterModelManagers(name="user", managers=[]),
        migrations.AddField(
            model_name="user",
            name="auth_epoch",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="email_pending",
            field=models.EmailField(
                blank=True,
                db_index=True,
                editable=False,
                max_length=254,
                null=True,
                verbose_name="email pending",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="email_verified",
            field=crudauth_django.identity.fields.VerifiedField(factor="email"),
        ),
        migrations.AlterField(
            model_name="user",
            name="date_joined",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                editable=False,
                verbose_name="date joined",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="email",
            # Not unique yet: 0003 adds that, after duplicate addresses are resolved.
            field=models.EmailField(
                blank=True, max_length=254, null=True, verbose_name="email address"
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="username",
            field=crudauth_django.identity.fields.UsernameField(
                max_length=150, unique=True, verbose_name="username"
            ),
        ),
    ]
