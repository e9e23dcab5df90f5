import django.db.models.deletion
import kapclinic.audit.operations
import pgtrigger.compiler
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '__first__'),
        ('clinics', '0001_initial'),
        ('dosing', '0002_initial'),
        ('episodes', '0001_initial'),
        ('integration', '0001_initial'),
        ('pghistory', '0007_auto_20250421_0444'),
        ('scheduling', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='integrationneed',
            name='appointment',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='integration_needs', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='created_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='dose',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='integration_needs', to='dosing.dosingsession'),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='episode',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='integration_needs', to='episodes.episode'),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='miss_recorded_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='superseded_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='supersedes_needs', to='dosing.dosingsession'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='appointment',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='clinic',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='created_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='dose',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='dosing.dosingsession'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='episode',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='episodes.episode'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='miss_recorded_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='integration.integrationneed'),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='superseded_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='dosing.dosingsession'),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='appointment',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='integration_session', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='clinic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='created_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='entered_in_error_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='episode',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='integration_sessions', to='episodes.episode'),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='outside',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='episodes.outsideclinician'),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='signed_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationsession',
            name='therapist',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationneedhistory',
            name='met_by',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='integrationneed',
            name='met_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='meets', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='integrationaddendumhistory',
            name='note',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='integrationaddendum',
            name='note',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='addenda', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='actionstepreviewhistory',
            name='session',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='actionstepreview',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='step_reviews', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='actionstephistory',
            name='session',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='actionstep',
            name='session',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='action_steps', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='appointment',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='scheduling.appointment'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='clinic',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='clinics.clinic'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='created_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='entered_in_error_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='episode',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='episodes.episode'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='outside',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='episodes.outsideclinician'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='integration.integrationsession'),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='signed_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='integrationsessionhistory',
            name='therapist',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='integrationsession',
            index=models.Index(fields=['episode', '-held_from'], name='integration_session_of'),
        ),
        migrations.AddConstraint(
            model_name='integrationsession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entered_in_error_at__isnull', True), ('entered_in_error_by__isnull', True), ('entered_in_error_reason', '')), models.Q(('entered_in_error_at__isnull', False), ('entered_in_error_by__isnull', False), models.Q(('entered_in_error_reason', ''), _negated=True)), _connector='OR'), name='integration_integrationsession_error_has_who_and_why'),
        ),
        migrations.AddConstraint(
            model_name='integrationsession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('content_hash', ''), ('signed_at__isnull', True), ('signed_by__isnull', True), ('state', 'draft')), models.Q(models.Q(('signed_at__isnull', False), ('signed_by__isnull', False), ('state', 'signed')), models.Q(('content_hash', ''), _negated=True)), _connector='OR'), name='integration_integrationsession_signed_has_signer'),
        ),
        migrations.AddConstraint(
            model_name='integrationsession',
            constraint=models.CheckConstraint(condition=models.Q(('held_until__gt', models.F('held_from'))), name='integration_session_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='integrationsession',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outside__isnull', True), ('therapist__isnull', False)), models.Q(('outside__isnull', False), ('therapist__isnull', True)), _connector='OR'), name='integration_session_one_clinician'),
        ),
        migrations.AddIndex(
            model_name='integrationneed',
            index=models.Index(condition=models.Q(('met_at__isnull', True), ('superseded_at__isnull', True), ('withdrawn_at__isnull', True)), fields=['clinic', 'closes_at'], name='integration_need_waiting'),
        ),
        migrations.AddIndex(
            model_name='integrationneed',
            index=models.Index(fields=['clinic', 'closes_at', 'part'], name='integration_need_by_close'),
        ),
        migrations.AddIndex(
            model_name='integrationneed',
            index=models.Index(fields=['episode', '-d0'], name='integration_need_of_episode'),
        ),
        migrations.AddConstraint(
            model_name='integrationneed',
            constraint=models.UniqueConstraint(fields=('dose', 'part'), name='integration_one_need_per_dose_and_part'),
        ),
        migrations.AddConstraint(
            model_name='integrationneed',
            constraint=models.CheckConstraint(condition=models.Q(('closes_at__gt', models.F('opens_at'))), name='integration_closes_after_opening'),
        ),
        migrations.AddConstraint(
            model_name='integrationneed',
            constraint=models.CheckConstraint(condition=models.Q(('t0__isnull', True), ('t0__gte', models.F('d0')), _connector='OR'), name='integration_t0_after_d0'),
        ),
        migrations.AddConstraint(
            model_name='integrationneed',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('met_at__isnull', True), ('met_by__isnull', True)), models.Q(('met_at__isnull', False), ('met_by__isnull', False)), _connector='OR'), name='integration_met_has_a_session'),
        ),
        migrations.AddConstraint(
            model_name='integrationneed',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('miss_reason', ''), ('miss_recorded_at__isnull', True), ('miss_recorded_by__isnull', True)), models.Q(models.Q(('miss_reason', ''), _negated=True), models.Q(('miss_recorded_at__isnull', False), ('miss_recorded_by__isnull', False))), _connector='OR'), name='integration_miss_is_whole'),
        ),
        migrations.AddConstraint(
            model_name='integrationneed',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('superseded_at__isnull', True), ('superseded_by__isnull', True)), models.Q(('superseded_at__isnull', False), ('superseded_by__isnull', False)), _connector='OR'), name='integration_superseded_by_a_dose'),
        ),
        migrations.AddConstraint(
            model_name='integrationaddendum',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='integration_integrationaddendum_has_text'),
        ),
        migrations.AddConstraint(
            model_name='actionstepreview',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entered_in_error_at__isnull', True), ('entered_in_error_by__isnull', True), ('entered_in_error_reason', '')), models.Q(('entered_in_error_at__isnull', False), ('entered_in_error_by__isnull', False), models.Q(('entered_in_error_reason', ''), _negated=True)), _connector='OR'), name='integration_actionstepreview_error_has_who_and_why'),
        ),
        migrations.AddConstraint(
            model_name='actionstepreview',
            constraint=models.UniqueConstraint(condition=models.Q(('entered_in_error_at__isnull', True)), fields=('step', 'session'), name='integration_step_reviewed_once_a_session'),
        ),
        migrations.AddConstraint(
            model_name='actionstep',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('entered_in_error_at__isnull', True), ('entered_in_error_by__isnull', True), ('entered_in_error_reason', '')), models.Q(('entered_in_error_at__isnull', False), ('entered_in_error_by__isnull', False), models.Q(('entered_in_error_reason', ''), _negated=True)), _connector='OR'), name='integration_actionstep_error_has_who_and_why'),
        ),
        migrations.AddConstraint(
            model_name='actionstep',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='integration_step_has_text'),
        ),
        migrations.AddConstraint(
            model_name='actionstep',
            constraint=models.UniqueConstraint(condition=models.Q(('entered_in_error_at__isnull', True)), fields=('session', 'text'), name='integration_step_once_a_session'),
        ),
        kapclinic.audit.operations.AddTriggers(
            triggers=[
                ('integrationsession', pgtrigger.compiler.Trigger(name='signed_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.state = 'signed')", func="\n            IF (to_jsonb(NEW) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) THEN\n                RAISE EXCEPTION 'a signed record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';\n            END IF;\n            RETURN NEW;\n        ", hash='3e86ce74aa2c0a986c72b92a85e5bad26b9c04e2', operation='UPDATE', pgid='pgtrigger_signed_is_final_d8ef9', table='integration_integrationsession', when='BEFORE'))),
                ('integrationsession', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='78d3a1d8f946298f245d4ddac2e6cdd53e5c75d2', operation='DELETE', pgid='pgtrigger_never_deleted_109ec', table='integration_integrationsession', when='BEFORE'))),
                ('integrationsession', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_integrationsessionhistory" ("appointment_id", "body", "clinic_id", "content_hash", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "held_from", "held_until", "id", "modalities", "outside_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "plan", "request_key", "signed_at", "signed_by_id", "state", "themes", "therapist_id", "version") VALUES (NEW."appointment_id", NEW."body", NEW."clinic_id", NEW."content_hash", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."episode_id", NEW."held_from", NEW."held_until", NEW."id", NEW."modalities", NEW."outside_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."place", NEW."plan", NEW."request_key", NEW."signed_at", NEW."signed_by_id", NEW."state", NEW."themes", NEW."therapist_id", NEW."version"); RETURN NULL;', hash='3ccdc2a19d7c804a31bb47b295f61dc4454b0505', operation='INSERT', pgid='pgtrigger_insert_insert_f389f', table='integration_integrationsession', when='AFTER'))),
                ('integrationsession', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "integration_integrationsessionhistory" ("appointment_id", "body", "clinic_id", "content_hash", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "held_from", "held_until", "id", "modalities", "outside_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "plan", "request_key", "signed_at", "signed_by_id", "state", "themes", "therapist_id", "version") VALUES (NEW."appointment_id", NEW."body", NEW."clinic_id", NEW."content_hash", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."episode_id", NEW."held_from", NEW."held_until", NEW."id", NEW."modalities", NEW."outside_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."place", NEW."plan", NEW."request_key", NEW."signed_at", NEW."signed_by_id", NEW."state", NEW."themes", NEW."therapist_id", NEW."version"); RETURN NULL;', hash='575eeb610d227d44e8bbd15089072ef5313e3746', operation='UPDATE', pgid='pgtrigger_update_update_c6633', table='integration_integrationsession', when='AFTER'))),
                ('integrationsession', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_integrationsessionhistory" ("appointment_id", "body", "clinic_id", "content_hash", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "held_from", "held_until", "id", "modalities", "outside_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "plan", "request_key", "signed_at", "signed_by_id", "state", "themes", "therapist_id", "version") VALUES (OLD."appointment_id", OLD."body", OLD."clinic_id", OLD."content_hash", OLD."created_at", OLD."created_by_id", OLD."entered_in_error_at", OLD."entered_in_error_by_id", OLD."entered_in_error_reason", OLD."episode_id", OLD."held_from", OLD."held_until", OLD."id", OLD."modalities", OLD."outside_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."place", OLD."plan", OLD."request_key", OLD."signed_at", OLD."signed_by_id", OLD."state", OLD."themes", OLD."therapist_id", OLD."version"); RETURN NULL;', hash='48df5c28ee05037152613fc88558dd903a9dae30', operation='DELETE', pgid='pgtrigger_delete_delete_18019', table='integration_integrationsession', when='AFTER'))),
                ('integrationneedhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='fca4b89a760b0855babe18dd24b6189a6ea79747', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_df358', table='integration_integrationneedhistory', when='BEFORE'))),
                ('integrationneed', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='33f59f6517fa220fe54846dbfc5a30bf83702b4e', operation='DELETE', pgid='pgtrigger_never_deleted_8115f', table='integration_integrationneed', when='BEFORE'))),
                ('integrationneed', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_integrationneedhistory" ("appointment_id", "clinic_id", "closes_at", "created_at", "created_by_id", "d0", "dose_id", "dose_number", "duration_minutes", "episode_id", "id", "is_planned_here", "met_at", "met_by_id", "miss_note", "miss_reason", "miss_recorded_at", "miss_recorded_by_id", "opens_at", "part", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_from", "planned_t0", "preferred_from", "preferred_until", "superseded_at", "superseded_by_id", "t0", "t0_corrected_at", "unplaced_at", "unplaced_reasons", "withdrawn_at") VALUES (NEW."appointment_id", NEW."clinic_id", NEW."closes_at", NEW."created_at", NEW."created_by_id", NEW."d0", NEW."dose_id", NEW."dose_number", NEW."duration_minutes", NEW."episode_id", NEW."id", NEW."is_planned_here", NEW."met_at", NEW."met_by_id", NEW."miss_note", NEW."miss_reason", NEW."miss_recorded_at", NEW."miss_recorded_by_id", NEW."opens_at", NEW."part", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."plan_from", NEW."planned_t0", NEW."preferred_from", NEW."preferred_until", NEW."superseded_at", NEW."superseded_by_id", NEW."t0", NEW."t0_corrected_at", NEW."unplaced_at", NEW."unplaced_reasons", NEW."withdrawn_at"); RETURN NULL;', hash='65da6f1f702abe0602d22f942e49aa9f0385dd3b', operation='INSERT', pgid='pgtrigger_insert_insert_4cbb9', table='integration_integrationneed', when='AFTER'))),
                ('integrationneed', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "integration_integrationneedhistory" ("appointment_id", "clinic_id", "closes_at", "created_at", "created_by_id", "d0", "dose_id", "dose_number", "duration_minutes", "episode_id", "id", "is_planned_here", "met_at", "met_by_id", "miss_note", "miss_reason", "miss_recorded_at", "miss_recorded_by_id", "opens_at", "part", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_from", "planned_t0", "preferred_from", "preferred_until", "superseded_at", "superseded_by_id", "t0", "t0_corrected_at", "unplaced_at", "unplaced_reasons", "withdrawn_at") VALUES (NEW."appointment_id", NEW."clinic_id", NEW."closes_at", NEW."created_at", NEW."created_by_id", NEW."d0", NEW."dose_id", NEW."dose_number", NEW."duration_minutes", NEW."episode_id", NEW."id", NEW."is_planned_here", NEW."met_at", NEW."met_by_id", NEW."miss_note", NEW."miss_reason", NEW."miss_recorded_at", NEW."miss_recorded_by_id", NEW."opens_at", NEW."part", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."plan_from", NEW."planned_t0", NEW."preferred_from", NEW."preferred_until", NEW."superseded_at", NEW."superseded_by_id", NEW."t0", NEW."t0_corrected_at", NEW."unplaced_at", NEW."unplaced_reasons", NEW."withdrawn_at"); RETURN NULL;', hash='d521ed351735bd05b48588077f9871d6596fdbb0', operation='UPDATE', pgid='pgtrigger_update_update_0d288', table='integration_integrationneed', when='AFTER'))),
                ('integrationneed', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_integrationneedhistory" ("appointment_id", "clinic_id", "closes_at", "created_at", "created_by_id", "d0", "dose_id", "dose_number", "duration_minutes", "episode_id", "id", "is_planned_here", "met_at", "met_by_id", "miss_note", "miss_reason", "miss_recorded_at", "miss_recorded_by_id", "opens_at", "part", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_from", "planned_t0", "preferred_from", "preferred_until", "superseded_at", "superseded_by_id", "t0", "t0_corrected_at", "unplaced_at", "unplaced_reasons", "withdrawn_at") VALUES (OLD."appointment_id", OLD."clinic_id", OLD."closes_at", OLD."created_at", OLD."created_by_id", OLD."d0", OLD."dose_id", OLD."dose_number", OLD."duration_minutes", OLD."episode_id", OLD."id", OLD."is_planned_here", OLD."met_at", OLD."met_by_id", OLD."miss_note", OLD."miss_reason", OLD."miss_recorded_at", OLD."miss_recorded_by_id", OLD."opens_at", OLD."part", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."plan_from", OLD."planned_t0", OLD."preferred_from", OLD."preferred_until", OLD."superseded_at", OLD."superseded_by_id", OLD."t0", OLD."t0_corrected_at", OLD."unplaced_at", OLD."unplaced_reasons", OLD."withdrawn_at"); RETURN NULL;', hash='296950273c11d4d00e1826b16b09822ae840c31a', operation='DELETE', pgid='pgtrigger_delete_delete_d2d63', table='integration_integrationneed', when='AFTER'))),
                ('integrationaddendumhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d1ce57466e1328025002d69daf37223a479ca8a8', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_3a80b', table='integration_integrationaddendumhistory', when='BEFORE'))),
                ('integrationaddendum', pgtrigger.compiler.Trigger(name='row_is_final', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            IF (to_jsonb(NEW) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['entered_in_error_at', 'entered_in_error_by_id', 'entered_in_error_reason']) THEN\n                RAISE EXCEPTION 'this record cannot be changed' USING ERRCODE = 'integrity_constraint_violation';\n            END IF;\n            RETURN NEW;\n        ", hash='9c1a94d2d8b709edf1d6e484df8c336a0f2be91a', operation='UPDATE', pgid='pgtrigger_row_is_final_7cdea', table='integration_integrationaddendum', when='BEFORE'))),
                ('integrationaddendum', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='73eaf388d77dae0ef7173aba0698f96f0cfcace7', operation='DELETE', pgid='pgtrigger_never_deleted_00509', table='integration_integrationaddendum', when='BEFORE'))),
                ('integrationaddendum', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_integrationaddendumhistory" ("clinic_id", "created_at", "created_by_id", "id", "note_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."id", NEW."note_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."text"); RETURN NULL;', hash='c0daefc18f31694eb98d253ed5edef16e393b256', operation='INSERT', pgid='pgtrigger_insert_insert_8fbaa', table='integration_integrationaddendum', when='AFTER'))),
                ('integrationaddendum', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "integration_integrationaddendumhistory" ("clinic_id", "created_at", "created_by_id", "id", "note_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."id", NEW."note_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."text"); RETURN NULL;', hash='ffbb854ce66fbd102003b802e84a6c03734008ec', operation='UPDATE', pgid='pgtrigger_update_update_4c41b', table='integration_integrationaddendum', when='AFTER'))),
                ('integrationaddendum', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_integrationaddendumhistory" ("clinic_id", "created_at", "created_by_id", "id", "note_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "text") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."id", OLD."note_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."text"); RETURN NULL;', hash='fe6208251bbf00c5eeb1a8d3e4ad499484c427d9', operation='DELETE', pgid='pgtrigger_delete_delete_e9a0b', table='integration_integrationaddendum', when='AFTER'))),
                ('actionstepreviewhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='284b1221eeefb16bf7be21c560482b7079dc6861', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_b1944', table='integration_actionstepreviewhistory', when='BEFORE'))),
                ('actionstepreview', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='c2bd20b75ad0087e518e26dce3eb90537c07bf50', operation='DELETE', pgid='pgtrigger_never_deleted_29085', table='integration_actionstepreview', when='BEFORE'))),
                ('actionstepreview', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_actionstepreviewhistory" ("clinic_id", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "id", "note", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "step_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."id", NEW."note", NEW."outcome", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."session_id", NEW."step_id"); RETURN NULL;', hash='026acda3a029bd35d8a4895c27a24345e74fb235', operation='INSERT', pgid='pgtrigger_insert_insert_15c58', table='integration_actionstepreview', when='AFTER'))),
                ('actionstepreview', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "integration_actionstepreviewhistory" ("clinic_id", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "id", "note", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "step_id") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."id", NEW."note", NEW."outcome", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."session_id", NEW."step_id"); RETURN NULL;', hash='94e6e98574836ebdfdafe389d336b0a26a457ba0', operation='UPDATE', pgid='pgtrigger_update_update_49627', table='integration_actionstepreview', when='AFTER'))),
                ('actionstepreview', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_actionstepreviewhistory" ("clinic_id", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "id", "note", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "step_id") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."entered_in_error_at", OLD."entered_in_error_by_id", OLD."entered_in_error_reason", OLD."id", OLD."note", OLD."outcome", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."session_id", OLD."step_id"); RETURN NULL;', hash='65d6c93d742a00574df1f73cf5fefef544444f8b', operation='DELETE', pgid='pgtrigger_delete_delete_f1696', table='integration_actionstepreview', when='AFTER'))),
                ('actionstephistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='def0005a9d03c0ae460d6289d51bbc314742d943', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_06ceb', table='integration_actionstephistory', when='BEFORE'))),
                ('actionstep', pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='1d28d1217b506dc5b92861b8f9e03f6a307a94ca', operation='DELETE', pgid='pgtrigger_never_deleted_0f550', table='integration_actionstep', when='BEFORE'))),
                ('actionstep', pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_actionstephistory" ("clinic_id", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "text") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."episode_id", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."session_id", NEW."text"); RETURN NULL;', hash='7ad0b121e5f1766d1e0a4953f50321b35679c6f6', operation='INSERT', pgid='pgtrigger_insert_insert_e0810', table='integration_actionstep', when='AFTER'))),
                ('actionstep', pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "integration_actionstephistory" ("clinic_id", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "text") VALUES (NEW."clinic_id", NEW."created_at", NEW."created_by_id", NEW."entered_in_error_at", NEW."entered_in_error_by_id", NEW."entered_in_error_reason", NEW."episode_id", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."session_id", NEW."text"); RETURN NULL;', hash='05fbe9404069a3e51ca18eef8ff47bbc89a34613', operation='UPDATE', pgid='pgtrigger_update_update_539c3', table='integration_actionstep', when='AFTER'))),
                ('actionstep', pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "integration_actionstephistory" ("clinic_id", "created_at", "created_by_id", "entered_in_error_at", "entered_in_error_by_id", "entered_in_error_reason", "episode_id", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "session_id", "text") VALUES (OLD."clinic_id", OLD."created_at", OLD."created_by_id", OLD."entered_in_error_at", OLD."entered_in_error_by_id", OLD."entered_in_error_reason", OLD."episode_id", OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."session_id", OLD."text"); RETURN NULL;', hash='f4c98c459ff9ee25f07f68b31b20e9c1aa5cee2d', operation='DELETE', pgid='pgtrigger_delete_delete_d873d', table='integration_actionstep', when='AFTER'))),
                ('integrationsessionhistory', pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='8d9d8bde06ae9cc78b0a6208ee27da3a3172a18d', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ca436', table='integration_integrationsessionhistory', when='BEFORE'))),
            ],
        ),
    ]
