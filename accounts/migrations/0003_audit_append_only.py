from django.db import migrations

from accounts.audit_seal import seal, unseal


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_limits_and_audit'),
    ]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: seal(schema_editor.connection),
            lambda apps, schema_editor: unseal(schema_editor.connection),
        ),
    ]
