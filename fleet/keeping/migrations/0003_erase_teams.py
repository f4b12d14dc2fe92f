"""The only way in which all rows of a team go: after its time of grace, when it is closed to everybody, batch by batch.

A trigger keeps the time of grace at a day or more, so that a team cannot be gone before its members could know.
"""

from django.db import migrations

from fleet.keeping.functions import AS_OWNER, for_application

GRACE = """
CREATE FUNCTION team_has_grace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Saving a closed team as it is changes nothing about its end.
    IF TG_OP = 'UPDATE' AND NEW.delete_at IS NOT DISTINCT FROM OLD.delete_at THEN
        RETURN NEW;
    END IF;
    -- Some minutes less than a day: time passes between reckoning and writing.
    IF NEW.delete_at < clock_timestamp() + interval '23 hours 50 minutes' THEN
        RAISE EXCEPTION 'team %: a time of grace is a day at least', NEW.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER team_has_grace BEFORE INSERT OR UPDATE OF delete_at ON teams_team
    FOR EACH ROW EXECUTE FUNCTION team_has_grace();
"""
# Any table with a team_id; the log and its seals refuse it by triggers of their own.
ERASE = f"""
CREATE FUNCTION erase_rows(the_team uuid, target regclass, most int) RETURNS int {AS_OWNER} AS $$
DECLARE old uuid[]; removed int;
BEGIN
    PERFORM 1 FROM teams_team WHERE id = the_team AND delete_at <= clock_timestamp() FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'team %: its time is not over', the_team USING ERRCODE = '23514';
    END IF;
    PERFORM 1 FROM teams_membership WHERE team_id = the_team AND ended_at IS NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'team %: it is still open to its members', the_team USING ERRCODE = '23514';
    END IF;
    IF target = 'commands_command'::regclass THEN
        SELECT array_agg(id) INTO old FROM (
            SELECT id FROM commands_command WHERE team_id = the_team AND finished_at IS NOT NULL LIMIT most) some_;
        DELETE FROM commands_commandattempt WHERE command_id = ANY(old);
        DELETE FROM commands_command WHERE id = ANY(old);
        RETURN coalesce(cardinality(old), 0);
    ELSIF target = 'jobs_job'::regclass THEN
        UPDATE jobs_job SET parent_id = NULL WHERE team_id = the_team AND parent_id IS NOT NULL;
    ELSIF target = 'vehicles_providerapp'::regclass THEN
        DELETE FROM budgets_wake WHERE app_id IN (SELECT id FROM vehicles_providerapp WHERE team_id = the_team);
        DELETE FROM budgets_budgetuse WHERE budget_id IN (
            SELECT b.id FROM budgets_budget b JOIN vehicles_providerapp a ON a.id = b.app_id
            WHERE a.team_id = the_team);
        DELETE FROM budgets_budget WHERE app_id IN (SELECT id FROM vehicles_providerapp WHERE team_id = the_team);
        DELETE FROM connect_brandlist WHERE app_id IN (SELECT id FROM vehicles_providerapp WHERE team_id = the_team);
        -- Logins that never came to a connection; all others are gone by now.
        DELETE FROM vehicles_provideraccount WHERE app_id IN (
            SELECT id FROM vehicles_providerapp WHERE team_id = the_team);
    ELSIF target = 'teams_team'::regclass THEN
        DELETE FROM teams_team WHERE id = the_team;
        RETURN 1;
    END IF;
    EXECUTE format('DELETE FROM %s WHERE ctid = ANY (ARRAY (SELECT ctid FROM %s WHERE team_id = $1 LIMIT $2))',
                   target, target) USING the_team, most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("keeping", "0002_remove_what_is_over"),
        ("budgets", "0004_renew_what_leaves_later"),
        ("connect", "0002_keep_rows_in_their_team"),
    ]

    operations = [
        migrations.RunSQL(GRACE, "DROP TRIGGER team_has_grace ON teams_team; DROP FUNCTION team_has_grace();"),
        for_application("erase_rows(uuid, regclass, int)", ERASE),
    ]
