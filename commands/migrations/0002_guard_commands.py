"""The rules of a command in the database: legal transitions, one permit a request, every change in the log."""

from django.db import migrations

from commands.transitions import TRANSITIONS
from fleet.events.schema import key_for_team, revoke, same_team

ROWS = ", ".join(f"('{old}', '{new}')" for old, new in sorted(TRANSITIONS))

TABLES = f"""
CREATE SEQUENCE commands_fence;
CREATE TABLE commands_transition (from_state text, to_state text, PRIMARY KEY (from_state, to_state));
INSERT INTO commands_transition VALUES {ROWS};
"""

# Acceptance: a command starts queued, in somebody's name, and the log has it in the same statement.
ACCEPT = """
CREATE FUNCTION command_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'queued' OR NEW.attempts <> 0 OR NEW.claims <> 0 OR NEW.fence <> 0 THEN
        RAISE EXCEPTION 'command %: must start as queued', NEW.id USING ERRCODE = '23514';
    END IF;
    INSERT INTO events_event (team_id, vehicle_id, kind, actor, subject, data)
    VALUES (NEW.team_id, NEW.vehicle_id, 'command.queued', current_setting('fleetwell.actor'),
            'command:' || NEW.id, jsonb_build_object('kind', NEW.kind, 'origin', NEW.origin));
    PERFORM pg_notify('fleetwell_doorbell', NEW.app_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER command_accepted AFTER INSERT ON commands_command
    FOR EACH ROW EXECUTE FUNCTION command_accepted();
"""

GUARD = """
CREATE FUNCTION command_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.team_id, NEW.vehicle_id, NEW.lane_id, NEW.link_id, NEW.app_id, NEW.kind, NEW.family,
        NEW.retry_class, NEW.parameters, NEW.authority_id, NEW.authority_version, NEW.consent_version,
        NEW.user_id, NEW.origin, NEW.idempotency_key, NEW.sequence, NEW.max_attempts, NEW.accepted_at)
       IS DISTINCT FROM
       (OLD.id, OLD.team_id, OLD.vehicle_id, OLD.lane_id, OLD.link_id, OLD.app_id, OLD.kind, OLD.family,
        OLD.retry_class, OLD.parameters, OLD.authority_id, OLD.authority_version, OLD.consent_version,
        OLD.user_id, OLD.origin, OLD.idempotency_key, OLD.sequence, OLD.max_attempts, OLD.accepted_at)
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
    IF NOT EXISTS (SELECT 1 FROM commands_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
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
    INSERT INTO events_event (team_id, vehicle_id, kind, actor, subject, data)
    VALUES (NEW.team_id, NEW.vehicle_id, 'command.' || NEW.state, current_setting('fleetwell.actor'),
            'command:' || NEW.id,
            jsonb_strip_nulls(jsonb_build_object(
                'kind', NEW.kind, 'from', OLD.state, 'fence', NEW.fence, 'attempts', NEW.attempts,
                'evidence', nullif(NEW.evidence, ''), 'error', nullif(NEW.error_code, ''),
                'reason', nullif(NEW.error_reason, ''))));
    RETURN NEW;
END $$;
CREATE TRIGGER command_guard BEFORE UPDATE ON commands_command FOR EACH ROW EXECUTE FUNCTION command_guard();
"""

# Whoever moved the command: the lane is free once nothing is between claim and answer, and a secret that is no
# longer needed is gone. Were this in code, one forgotten path would block a car or keep a PIN for ever.
LEAVE = """
CREATE FUNCTION command_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('claimed', 'sending') AND NEW.state NOT IN ('claimed', 'sending') THEN
        UPDATE vehicles_lane SET busy_id = NULL, ready_at = clock_timestamp()
        WHERE id = NEW.lane_id AND busy_id = NEW.id;
        PERFORM pg_notify('fleetwell_doorbell', NEW.app_id::text);
    END IF;
    IF NEW.state NOT IN ('queued', 'claimed') THEN
        DELETE FROM commands_commandsecret WHERE command_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER command_left AFTER UPDATE OF state ON commands_command
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION command_left();
"""

# An attempt is the record of a permit: it exists only beside a command that was just permitted under this fence, and
# afterwards learns its outcome once.
ATTEMPT = """
CREATE FUNCTION attempt_permitted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM commands_command c WHERE c.id = NEW.command_id AND c.state = 'sending'
                   AND c.fence = NEW.fence AND c.attempts = NEW.n) THEN
        RAISE EXCEPTION 'command %: attempt without a permit', NEW.command_id USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attempt_permitted AFTER INSERT ON commands_commandattempt
    FOR EACH ROW EXECUTE FUNCTION attempt_permitted();
CREATE FUNCTION attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.team_id, NEW.command_id, NEW.n, NEW.fence, NEW.permitted_at)
       IS DISTINCT FROM (OLD.id, OLD.team_id, OLD.command_id, OLD.n, OLD.fence, OLD.permitted_at) THEN
        RAISE EXCEPTION 'attempt %: only its outcome may be written', OLD.id USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempt_guard BEFORE UPDATE ON commands_commandattempt
    FOR EACH ROW EXECUTE FUNCTION attempt_guard();
"""
UNDO_ATTEMPT = """
DROP TRIGGER attempt_permitted ON commands_commandattempt;
DROP TRIGGER attempt_guard ON commands_commandattempt;
DROP FUNCTION attempt_permitted;
DROP FUNCTION attempt_guard;
"""


class Migration(migrations.Migration):
    dependencies = [("commands", "0001_initial"), ("vehicles", "0002_keep_rows_in_their_team")]
    operations = [
        migrations.RunSQL(TABLES, "DROP TABLE commands_transition; DROP SEQUENCE commands_fence;"),
        migrations.RunSQL(ACCEPT, "DROP TRIGGER command_accepted ON commands_command; DROP FUNCTION command_accepted;"),
        migrations.RunSQL(GUARD, "DROP TRIGGER command_guard ON commands_command; DROP FUNCTION command_guard;"),
        migrations.RunSQL(LEAVE, "DROP TRIGGER command_left ON commands_command; DROP FUNCTION command_left;"),
        migrations.RunSQL(ATTEMPT, UNDO_ATTEMPT),
        revoke("commands_transition", "INSERT, UPDATE, DELETE"),
        revoke("commands_command", "DELETE"),
        revoke("commands_commandattempt", "DELETE"),
        key_for_team("commands_command"),
        same_team("commands_command", "vehicle_id", "vehicles_vehicle"),
        same_team("commands_command", "link_id", "vehicles_vehiclelink"),
        same_team("commands_command", "authority_id", "teams_authority"),
        same_team("commands_commandattempt", "command_id", "commands_command"),
        same_team("commands_commandsecret", "command_id", "commands_command"),
    ]
