"""The only ways in which history goes: what is over, is older than its team's own row says, and nothing needs any more.

The application may delete none of these rows. Each function reads the limit from the team's row, never less than a
month, and takes no more than a batch; so it holds for an application that was taken over, too.
"""

from django.db import migrations

from fleet.keeping.functions import AS_OWNER, for_application

CUTOFF = """
CREATE FUNCTION history_cutoff(the_team uuid) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT clock_timestamp() - make_interval(days => least(greatest(keep_history_days, 30), 36500))
    FROM teams_team WHERE id = the_team AND keep_history_days IS NOT NULL
$$
"""

# A run within a day of the last look might be found due again by a clock that was put back.
RUNS = f"""
CREATE FUNCTION remove_old_runs(the_team uuid, most int) RETURNS int {AS_OWNER} AS $$
DECLARE cutoff timestamptz := history_cutoff(the_team); removed int;
BEGIN
    IF cutoff IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM programs_schedulerun WHERE id IN (
        SELECT old.id FROM programs_schedule s CROSS JOIN LATERAL (
            SELECT r.id FROM programs_schedulerun r LEFT JOIN jobs_job j ON j.id = r.job_id
            WHERE r.schedule_id = s.id AND r.due_at < least(cutoff, s.looked_at - interval '1 day')
                AND r.created_at < cutoff AND r.state <> 'due' AND (r.job_id IS NULL OR j.finished_at < cutoff)
            ORDER BY r.due_at LIMIT most) old
        WHERE s.team_id = the_team LIMIT most);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$
"""

# Whole jobs with their cars, so that no page shows half of one; at least one, however big.
JOBS = f"""
CREATE FUNCTION remove_old_jobs(the_team uuid, most int) RETURNS int {AS_OWNER} AS $$
DECLARE cutoff timestamptz := history_cutoff(the_team); old uuid[];
BEGIN
    IF cutoff IS NULL THEN
        RETURN 0;
    END IF;
    SELECT array_agg(id) INTO old FROM (
        SELECT id, sum(total) OVER (ORDER BY created_at, id) - total AS cars_before FROM (
            SELECT j.id, j.created_at, j.total FROM jobs_job j
            WHERE j.team_id = the_team AND j.created_at < cutoff AND j.finished_at < cutoff
                AND NOT EXISTS (SELECT 1 FROM programs_schedulerun r WHERE r.job_id = j.id)
            ORDER BY j.created_at LIMIT most) oldest) counted
    WHERE cars_before < most;
    -- A retry of it goes on without the way back to it.
    UPDATE jobs_job SET parent_id = NULL WHERE parent_id = ANY(old) AND NOT id = ANY(old);
    DELETE FROM jobs_jobitem WHERE job_id = ANY(old);
    DELETE FROM jobs_job WHERE id = ANY(old);
    RETURN coalesce(cardinality(old), 0);
END $$
"""

TIMED = f"""
CREATE FUNCTION remove_old_timed(the_team uuid, most int) RETURNS int {AS_OWNER} AS $$
DECLARE cutoff timestamptz := history_cutoff(the_team); removed int;
BEGIN
    IF cutoff IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM programs_timedcommand WHERE id IN (
        SELECT id FROM programs_timedcommand
        WHERE team_id = the_team AND finished_at < cutoff AND created_at < cutoff ORDER BY finished_at LIMIT most);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$
"""

ALERTS = f"""
CREATE FUNCTION remove_old_alerts(the_team uuid, most int) RETURNS int {AS_OWNER} AS $$
DECLARE cutoff timestamptz := history_cutoff(the_team); removed int;
BEGIN
    IF cutoff IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM alerts_alert WHERE id IN (
        SELECT id FROM alerts_alert
        WHERE team_id = the_team AND closed_at IS NOT NULL AND closed_at < cutoff AND created_at < cutoff
        ORDER BY closed_at LIMIT most);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$
"""

# A command is as old as the last thing that the log says of it: triggers write that, by the database's own clock, so
# that nobody makes a command look old. Those that something still needs are passed over; the next batch goes on behind.
COMMANDS = f"""
CREATE FUNCTION remove_old_commands(the_team uuid, most int, after_at timestamptz, after_id uuid,
                                    OUT removed int, OUT last_at timestamptz, OUT last_id uuid) {AS_OWNER} AS $$
DECLARE cutoff timestamptz := history_cutoff(the_team); looked uuid[]; times timestamptz[]; old uuid[];
BEGIN
    removed := 0;
    IF cutoff IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(id ORDER BY accepted_at, id), array_agg(accepted_at ORDER BY accepted_at, id) INTO looked, times
    FROM (SELECT c.id, c.accepted_at FROM commands_command c
          WHERE c.team_id = the_team AND c.rank >= 0 AND c.accepted_at < cutoff
              AND c.accepted_at >= after_at AND (c.accepted_at, c.id) > (after_at, after_id)
          ORDER BY c.accepted_at, c.id LIMIT most) oldest;
    last_at := times[cardinality(times)];
    last_id := looked[cardinality(looked)];
    SELECT array_agg(c.id) INTO old FROM commands_command c
    WHERE c.id = ANY(looked) AND c.finished_at < cutoff
        AND NOT EXISTS (SELECT 1 FROM events_event e WHERE e.subject = 'command:' || c.id AND e.at >= cutoff)
        AND NOT EXISTS (SELECT 1 FROM jobs_jobitem i WHERE i.team_id = the_team AND i.command_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM programs_timedcommand t WHERE t.first_id = c.id)
        AND NOT EXISTS (SELECT 1 FROM programs_timedcommand t WHERE t.state = 'requested' AND c.id = ANY(t.sent))
        AND NOT EXISTS (SELECT 1 FROM alerts_alert a WHERE a.command_id = c.id);
    DELETE FROM commands_commandattempt WHERE command_id = ANY(old);
    DELETE FROM commands_command WHERE id = ANY(old);
    removed := coalesce(cardinality(old), 0);
END $$
"""

BATCH = ("remove_old_runs", RUNS), ("remove_old_jobs", JOBS), ("remove_old_timed", TIMED), ("remove_old_alerts", ALERTS)


class Migration(migrations.Migration):
    dependencies = [
        ("keeping", "0001_keep_grants_that_end"),
        ("teams", "0005_give_teams_units_an_end_and_sign_on"),
        ("commands", "0004_tell_of_moves_by_the_statement"),
        ("jobs", "0004_find_items_by_command"),
        ("programs", "0003_find_what_is_over"),
        ("alerts", "0002_raise_alerts_with_the_event"),
        ("events", "0005_find_events_by_time"),
    ]

    operations = [
        for_application("history_cutoff(uuid)", CUTOFF),
        *(for_application(f"{name}(uuid, int)", body) for name, body in BATCH),
        for_application("remove_old_commands(uuid, int, timestamptz, uuid)", COMMANDS),
    ]
