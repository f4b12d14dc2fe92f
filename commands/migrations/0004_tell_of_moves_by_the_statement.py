"""The same rules as before, at a cost that batches can bear: what a row may do is judged alone, the rest per statement.

A trigger per row that wrote an event, freed the lane and rang the doorbell cost more than the move itself. Where a row
is named by its id or by its place in the lane, its other columns stand in expressions: the statistics of a queue are
never right, and the planner took other indexes, which it believed to be empty, and read all of them for each row.
"""

from django.db import migrations

from commands.transitions import TRANSITIONS

LEGAL = ", ".join(f"'{old}>{new}'" for old, new in sorted(TRANSITIONS))

DROP_OLD = """
DROP TRIGGER command_accepted ON commands_command;
DROP TRIGGER command_guard ON commands_command;
DROP TRIGGER command_left ON commands_command;
DROP TRIGGER attempt_permitted ON commands_commandattempt;
DROP FUNCTION command_accepted;
DROP FUNCTION command_guard;
DROP FUNCTION command_left;
DROP FUNCTION attempt_permitted;
"""

# Judged row by row, without a query. `was` is set whatever the statement said, so it cannot be made up.
GUARD = f"""
CREATE FUNCTION command_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.was := OLD.state;
    IF (NEW.id, NEW.team_id, NEW.vehicle_id, NEW.lane_id, NEW.link_id, NEW.app_id, NEW.kind, NEW.family,
        NEW.retry_class, NEW.parameters, NEW.authority_id, NEW.authority_version, NEW.consent_version,
        NEW.user_id, NEW.origin, NEW.cause, NEW.rank, NEW.idempotency_key, NEW.sequence, NEW.max_attempts,
        NEW.accepted_at)
       IS DISTINCT FROM
       (OLD.id, OLD.team_id, OLD.vehicle_id, OLD.lane_id, OLD.link_id, OLD.app_id, OLD.kind, OLD.family,
        OLD.retry_class, OLD.parameters, OLD.authority_id, OLD.authority_version, OLD.consent_version,
        OLD.user_id, OLD.origin, OLD.cause, OLD.rank, OLD.idempotency_key, OLD.sequence, OLD.max_attempts,
        OLD.accepted_at)
       OR NEW.deadline > OLD.deadline OR NEW.fence < OLD.fence
       OR NEW.claims < OLD.claims - 1  -- a give-back returns its own claim, and no more
    THEN
        RAISE EXCEPTION 'command %: an immutable or monotonic column changed', OLD.id USING ERRCODE = '23514';
    END IF;
    IF NEW.state = OLD.state THEN
        IF OLD.finished_at IS NOT NULL THEN
            RAISE EXCEPTION 'command %: is over, nothing about it changes', OLD.id USING ERRCODE = '23514';
        END IF;
        IF NEW.attempts <> OLD.attempts THEN
            RAISE EXCEPTION 'command %: attempt without a permit', OLD.id USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY[{LEGAL}]) THEN
        RAISE EXCEPTION 'command %: % -> % is not allowed', OLD.id, OLD.state, NEW.state USING ERRCODE = '23514';
    END IF;
    IF OLD.state = 'sending' AND NEW.state = 'queued' AND OLD.retry_class <> 'A' THEN
        RAISE EXCEPTION 'command %: may not be queued again', OLD.id USING ERRCODE = '23514';
    END IF;
    IF NEW.state = 'sending' THEN
        IF NEW.attempts <> OLD.attempts + 1 OR NEW.deadline <= clock_timestamp() THEN
            RAISE EXCEPTION 'command %: the permit is not given', OLD.id USING ERRCODE = '23514';
        END IF;
    ELSIF NEW.attempts <> OLD.attempts THEN
        RAISE EXCEPTION 'command %: attempt without a permit', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER command_guard BEFORE UPDATE ON commands_command FOR EACH ROW EXECUTE FUNCTION command_guard();
"""

# Acceptance: a command starts queued, in somebody's name, and the log has it in the same statement.
ACCEPT = """
CREATE FUNCTION commands_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM accepted WHERE state <> 'queued' OR attempts <> 0 OR claims <> 0 OR fence <> 0) THEN
        RAISE EXCEPTION 'command %: must start as queued',
            (SELECT id FROM accepted WHERE state <> 'queued' OR attempts <> 0 OR claims <> 0 OR fence <> 0 LIMIT 1)
            USING ERRCODE = '23514';
    END IF;
    INSERT INTO events_event (team_id, vehicle_id, kind, actor, subject, data)
    SELECT team_id, vehicle_id, 'command.queued', current_setting('fleetwell.actor'), 'command:' || id,
           jsonb_strip_nulls(jsonb_build_object('kind', kind, 'origin', origin, 'cause', nullif(cause, '')))
    FROM accepted;
    PERFORM pg_notify('fleetwell_doorbell', app_id::text) FROM (SELECT DISTINCT app_id FROM accepted) a;
    RETURN NULL;
END $$;
CREATE TRIGGER commands_accepted AFTER INSERT ON commands_command
    REFERENCING NEW TABLE AS accepted FOR EACH STATEMENT EXECUTE FUNCTION commands_accepted();
"""

# Whoever moved the commands: the log has it, a lane is free once nothing is between claim and answer, and a secret that
# is no longer needed is gone. Were this in code, one forgotten path would block a car or keep a PIN for ever.
MOVED = """
CREATE FUNCTION commands_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events_event (team_id, vehicle_id, kind, actor, subject, data)
    SELECT team_id, vehicle_id, 'command.' || state, current_setting('fleetwell.actor'), 'command:' || id,
           jsonb_strip_nulls(jsonb_build_object(
               'kind', kind, 'from', was, 'fence', fence, 'attempts', attempts, 'evidence', nullif(evidence, ''),
               'error', nullif(error_code, ''), 'reason', nullif(error_reason, '')))
    FROM moved WHERE state <> was;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE vehicles_lane l SET busy_id = NULL FROM moved m
    WHERE l.id = m.lane_id AND l.busy_id = m.id
        AND m.was IN ('claimed', 'sending') AND m.state NOT IN ('claimed', 'sending');
    IF FOUND THEN
        -- Not EXISTS: made into a join, it read the whole queue for every command that moved.
        PERFORM pg_notify('fleetwell_doorbell', w.app_id::text)
        FROM (SELECT DISTINCT m.app_id FROM moved m
              WHERE m.state NOT IN ('claimed', 'sending') AND (
                  SELECT true FROM commands_command c
                  WHERE c.lane_id = m.lane_id AND c.state = 'queued' LIMIT 1)) w;
    END IF;
    IF EXISTS (SELECT 1 FROM commands_commandsecret) THEN
        DELETE FROM commands_commandsecret s USING moved m
        WHERE s.command_id = m.id AND m.state NOT IN ('queued', 'claimed');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER commands_moved AFTER UPDATE ON commands_command
    REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION commands_moved();
"""

# An attempt is the record of a permit: it exists only beside a command that was just permitted under this fence.
ATTEMPT = """
CREATE FUNCTION attempts_permitted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE unpermitted uuid;
BEGIN
    SELECT a.command_id INTO unpermitted FROM attempts a
    WHERE NOT EXISTS (SELECT 1 FROM commands_command c
                      WHERE c.id = a.command_id AND c.state || '' = 'sending'
                      AND c.fence = a.fence AND c.attempts = a.n) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'command %: attempt without a permit', unpermitted USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attempts_permitted AFTER INSERT ON commands_commandattempt
    REFERENCING NEW TABLE AS attempts FOR EACH STATEMENT EXECUTE FUNCTION attempts_permitted();
"""


class Migration(migrations.Migration):
    dependencies = [("commands", "0003_prepare_for_thousands")]
    operations = [
        migrations.RunSQL(DROP_OLD),
        migrations.RunSQL(GUARD),
        migrations.RunSQL(ACCEPT),
        migrations.RunSQL(MOVED),
        migrations.RunSQL(ATTEMPT),
    ]
