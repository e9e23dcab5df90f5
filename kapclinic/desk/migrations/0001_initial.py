import django.db.models.deletion
import django.utils.timezone
import kapclinic.audit.operations
import kapclinic.encryption
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
    ]

    operations = [
        kapclinic.audit.operations.CreateTables(
            models=[
                migrations.CreateModel(
                    name='Draft',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('key', models.CharField(max_length=200)),
                        ('body', kapclinic.encryption.EncryptedTextField()),
                        ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['updated_at'], name='desk_draft_age')],
                        'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='desk_one_draft_per_form')],
                    },
                ),
            ],
        ),
    ]
