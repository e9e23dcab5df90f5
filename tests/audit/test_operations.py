"""Changes of many tables in one step of a migration."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import migrations, models

from kapclinic.audit.operations import InOneStep
from tests.databases import ROOT, clone, drop, migrated_template, owner_url

SCHEMA = """
    SELECT 'column', table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
    WHERE table_schema = 'public'
    UNION SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
    UNION SELECT 'index', tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
    UNION SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '' FROM pg_trigger
    WHERE NOT tgisinternal
    UNION SELECT 'function', proname, prosrc, '', '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def schema(name: str) -> set[tuple]:
    with psycopg.connect(owner_url(name)) as connection:
        return set(connection.execute(SCHEMA).fetchall())


def migrate(name: str, *target: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", *target, "--skip-checks", "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_OWNER_URL": owner_url(name), "KAP_DATABASE_ROLE": "owner"},
        check=True,
    )


def test_step_goes_back_and_forth_and_leaves_the_same_tables_and_triggers():
    name = "kaptest_one_step"
    clone(migrated_template(), name)
    try:
        before = schema(name)
        migrate(name, "handoffs", "0001")
        without = schema(name)
        assert any("teamdecision" in str(row) for row in before)
        assert not any("teamdecision" in str(row) for row in without)
        migrate(name)
        assert schema(name) == before
    finally:
        drop(name)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RunPython(migrations.RunPython.noop),
        migrations.RunSQL("SELECT 1"),
        migrations.AlterField("room", "name", models.TextField()),
    ],
)
def test_what_needs_the_states_between_is_refused(operation):
    made = migrations.CreateModel("Room", [("name", models.CharField(max_length=5))])
    with pytest.raises(TypeError, match="needs a step of its own"):
        InOneStep([made, operation])
