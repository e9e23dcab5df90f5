import django.db.models.deletion
import django.utils.timezone
import kapclinic.audit.operations
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('clinics', '0001_initial'),
        ('episodes', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        kapclinic.audit.operations.CreateTables(
            models=[
                migrations.CreateModel(
                    name='Notice',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('key', models.CharField(max_length=200)),
                        ('title', models.CharField(max_length=200)),
                        ('url', models.CharField(blank=True, max_length=300)),
                        ('urgency', models.PositiveSmallIntegerField(choices=[(0, 'Routine'), (1, 'Today'), (2, 'Now')], default=0)),
                        ('read_at', models.DateTimeField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('receiver', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at'],
                        'indexes': [models.Index(condition=models.Q(('read_at__isnull', True)), fields=['receiver'], name='notices_unread')],
                        'constraints': [models.UniqueConstraint(fields=('receiver', 'key'), name='notices_notice_once_per_person')],
                    },
                ),
                migrations.CreateModel(
                    name='NoticeHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('key', models.CharField(max_length=200)),
                        ('title', models.CharField(max_length=200)),
                        ('url', models.CharField(blank=True, max_length=300)),
                        ('urgency', models.PositiveSmallIntegerField(choices=[(0, 'Routine'), (1, 'Today'), (2, 'Now')], default=0)),
                        ('read_at', models.DateTimeField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='notices.notice')),
                        ('receiver', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Task',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('key', models.CharField(max_length=200, unique=True)),
                        ('kind', models.CharField(max_length=40)),
                        ('title', models.CharField(max_length=200)),
                        ('detail', models.CharField(blank=True, max_length=400)),
                        ('role', models.CharField(choices=[('coordinator', 'Coordinator'), ('nurse', 'Nurse'), ('therapist', 'Therapist'), ('prescriber', 'Prescriber'), ('manager', 'Manager')], max_length=12)),
                        ('urgency', models.PositiveSmallIntegerField(choices=[(0, 'Routine'), (1, 'Today'), (2, 'Now')], default=0)),
                        ('due_at', models.DateTimeField(blank=True, null=True)),
                        ('url', models.CharField(blank=True, max_length=300)),
                        ('done_at', models.DateTimeField(blank=True, null=True)),
                        ('outcome', models.CharField(blank=True, max_length=400)),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('done_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('episode', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='episodes.episode')),
                        ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-urgency', 'due_at', 'created_at'],
                        'indexes': [models.Index(condition=models.Q(('done_at__isnull', True), ('withdrawn_at__isnull', True)), fields=['clinic', 'role'], name='notices_task_open'), models.Index(condition=models.Q(('done_at__isnull', True), ('withdrawn_at__isnull', True)), fields=['episode'], name='notices_task_episode')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('done_at__isnull', True), ('withdrawn_at__isnull', True), _connector='OR'), name='notices_task_done_or_withdrawn')],
                    },
                ),
                migrations.CreateModel(
                    name='TaskHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('key', models.CharField(max_length=200)),
                        ('kind', models.CharField(max_length=40)),
                        ('title', models.CharField(max_length=200)),
                        ('detail', models.CharField(blank=True, max_length=400)),
                        ('role', models.CharField(choices=[('coordinator', 'Coordinator'), ('nurse', 'Nurse'), ('therapist', 'Therapist'), ('prescriber', 'Prescriber'), ('manager', 'Manager')], max_length=12)),
                        ('urgency', models.PositiveSmallIntegerField(choices=[(0, 'Routine'), (1, 'Today'), (2, 'Now')], default=0)),
                        ('due_at', models.DateTimeField(blank=True, null=True)),
                        ('url', models.CharField(blank=True, max_length=300)),
                        ('done_at', models.DateTimeField(blank=True, null=True)),
                        ('outcome', models.CharField(blank=True, max_length=400)),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                        ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic')),
                        ('created_by', models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('done_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('episode', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='episodes.episode')),
                        ('person', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='notices.task')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
            ],
        ),
        kapclinic.audit.operations.AddTriggers(
            triggers=[
                ('notice', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "notices_noticehistory" ("clinic_id", "created_at", "created_by_id", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "read_at", "receiver_id", "title", "urgency", "url") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."id", NEW."key", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."read_at", NEW."receiver_id", NEW."title", NEW."urgency", NEW."url"); RETURN NULL;', hash='718a03b2615aff7f61f60e7963b19a01dbc814ed', operation='INSERT', pgid='pgtrigger_insert_insert_44969', table='notices_notice', when='AFTER'))),
                ('notice', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "notices_noticehistory" ("clinic_id", "created_at", "created_by_id", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "read_at", "receiver_id", "title", "urgency", "url") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."id", NEW."key", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."read_at", NEW."receiver_id", NEW."title", NEW."urgency", NEW."url"); RETURN NULL;', hash='6759021d0a7cb7f3237f38a4f3a051db2064eb8b', operation='UPDATE', pgid='pgtrigger_update_update_0f9bc', table='notices_notice', when='AFTER'))),
                ('notice', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "notices_noticehistory" ("clinic_id", "created_at", "created_by_id", "id", "key", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "read_at", "receiver_id", "title", "urgency", "url") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."id", OLD."key", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."read_at", OLD."receiver_id", OLD."title", OLD."urgency", OLD."url"); RETURN NULL;', hash='11c7f66fc167d6017d5bd160215f07294a2c7af9', operation='DELETE', pgid='pgtrigger_delete_delete_e6f4d', table='notices_notice', when='AFTER'))),
                ('noticehistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0290d120a6b6e3bff4a2015e9d2db945753e6bde', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6e8b1', table='notices_noticehistory', when='BEFORE'))),
                ('task', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "notices_taskhistory" ("clinic_id", "created_at", "created_by_id", "detail", "done_at", "done_by_id", "due_at", "episode_id", "id", "key", "kind", "outcome", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "title", "urgency", "url", "withdrawn_at") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."detail", NEW."done_at", NEW."done_by_id", NEW."due_at", NEW."episode_id", NEW."id", NEW."key", NEW."kind", NEW."outcome", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."role", NEW."title", NEW."urgency", NEW."url", NEW."withdrawn_at"); RETURN NULL;', hash='cc03d04b841b0991ce766fcab1be9cc0c9df4e91', operation='INSERT', pgid='pgtrigger_insert_insert_92e45', table='notices_task', when='AFTER'))),
                ('task', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "notices_taskhistory" ("clinic_id", "created_at", "created_by_id", "detail", "done_at", "done_by_id", "due_at", "episode_id", "id", "key", "kind", "outcome", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "title", "urgency", "url", "withdrawn_at") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."detail", NEW."done_at", NEW."done_by_id", NEW."due_at", NEW."episode_id", NEW."id", NEW."key", NEW."kind", NEW."outcome", NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."role", NEW."title", NEW."urgency", NEW."url", NEW."withdrawn_at"); RETURN NULL;', hash='33d795a32498be251365ac7392e3b5bb518409ab', operation='UPDATE', pgid='pgtrigger_update_update_9f4b4', table='notices_task', when='AFTER'))),
                ('task', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "notices_taskhistory" ("clinic_id", "created_at", "created_by_id", "detail", "done_at", "done_by_id", "due_at", "episode_id", "id", "key", "kind", "outcome", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "title", "urgency", "url", "withdrawn_at") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."detail", OLD."done_at", OLD."done_by_id", OLD."due_at", OLD."episode_id", OLD."id", OLD."key", OLD."kind", OLD."outcome", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."role", OLD."title", OLD."urgency", OLD."url", OLD."withdrawn_at"); RETURN NULL;', hash='6961ec2389ae41596d1100ef9e973c45d406a408', operation='DELETE', pgid='pgtrigger_delete_delete_e75a5', table='notices_task', when='AFTER'))),
                ('taskhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e05ac4d64a3f8b10f97a42bf60c117eb9953dcb8', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_5cc09', table='notices_taskhistory', when='BEFORE'))),
            ],
        ),
    ]
