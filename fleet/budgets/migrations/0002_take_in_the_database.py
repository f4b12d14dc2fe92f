"""Taking from budgets, in one place for all processes: the ring, its window, and who waits how long."""

from django.db import migrations

# The maker counts when a request arrives and we when it leaves, so our window is a little longer than theirs: by a
# tenth, and by a second at most. 60 sub-windows make it up; the 61st is the one just begun, so that what was taken
# counts for the whole window and for at most one sub-window more.
RING = """
CREATE FUNCTION budget_width(window_s int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT (window_s + least(1.0, window_s * 0.1)) / 60.0 $$;

CREATE FUNCTION budget_slot(window_s int, at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT floor(extract(epoch FROM at)::float8 / budget_width(window_s))::bigint $$;

CREATE FUNCTION budget_ring(slots int[], slot bigint, now_slot bigint) RETURNS int[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN now_slot - slot >= 61 THEN array_fill(0, ARRAY[61])
        WHEN now_slot > slot THEN array_fill(0, ARRAY[(now_slot - slot)::int]) || slots[1:61 - (now_slot - slot)::int]
        -- The clock was set back by more than a window: what was taken counts as taken now.
        WHEN slot - now_slot > 61 THEN (SELECT sum(s)::int FROM unnest(slots) s) || array_fill(0, ARRAY[60])
        ELSE slots END
$$;

CREATE FUNCTION budget_sum(slots int[]) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(sum(s), 0)::int FROM unnest(slots) s $$;
"""

TAKE = """
CREATE FUNCTION budget_take(app uuid, account uuid, lane uuid, resource text, n int, urgent boolean)
RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    r record;
    ring int[];
    cap int;
    free int;
    i int;
    wait_s float8;
BEGIN
    IF n = 0 OR NOT EXISTS (SELECT FROM budgets_budget b
                            WHERE b.app_id = budget_take.app AND b.resource = budget_take.resource) THEN
        RETURN NULL;
    END IF;
    -- One at a time per application, until the end of the transaction: rows of logins and cars taken in different
    -- orders would deadlock otherwise.
    PERFORM pg_advisory_xact_lock(hashtextextended('budget:' || app::text, 0));
    INSERT INTO budgets_budgetuse (budget_id, key, slots, slot)
    SELECT b.id, k.key, array_fill(0, ARRAY[61]), budget_slot(b.window_s, clock_timestamp())
    FROM budgets_budget b
    CROSS JOIN LATERAL (SELECT CASE b.per WHEN 'app' THEN budget_take.app WHEN 'account' THEN budget_take.account
                                          ELSE budget_take.lane END AS key) k
    WHERE b.app_id = budget_take.app AND b.resource = budget_take.resource AND k.key IS NOT NULL
        AND NOT EXISTS (SELECT FROM budgets_budgetuse u WHERE u.budget_id = b.id AND u.key = k.key)
    ON CONFLICT DO NOTHING;

    IF n > 0 THEN
        FOR r IN
            SELECT u.id, b."limit", b.reserve, u.slots, u.slot, budget_width(b.window_s) AS width,
                   greatest(budget_slot(b.window_s, clock_timestamp()),
                            CASE WHEN u.slot - budget_slot(b.window_s, clock_timestamp()) <= 61 THEN u.slot END) AS now_slot
            FROM budgets_budget b JOIN budgets_budgetuse u ON u.budget_id = b.id
            WHERE b.app_id = budget_take.app AND b.resource = budget_take.resource
                AND u.key = CASE b.per WHEN 'app' THEN budget_take.app WHEN 'account' THEN budget_take.account
                                       ELSE budget_take.lane END
            ORDER BY u.id FOR UPDATE OF u
        LOOP
            cap := r."limit" - CASE WHEN urgent THEN 0 ELSE r.reserve END;
            IF n > cap THEN
                RETURN 'Infinity';
            END IF;
            ring := budget_ring(r.slots, r.slot, r.now_slot);
            IF r.now_slot < r.slot THEN
                -- Kept even when refused, or it would count as taken now for ever.
                UPDATE budgets_budgetuse u SET slots = ring, slot = r.now_slot WHERE u.id = r.id;
            END IF;
            free := cap - budget_sum(ring);
            CONTINUE WHEN free >= n;
            -- The oldest go first; when enough of them have gone, there is room.
            i := 62;
            WHILE free < n AND i > 1 LOOP
                i := i - 1;
                free := free + ring[i];
            END LOOP;
            wait_s := greatest(wait_s, 0.001,
                (r.now_slot + 62 - i) * r.width - extract(epoch FROM clock_timestamp())::float8);
        END LOOP;
        IF wait_s IS NOT NULL THEN
            RETURN wait_s;
        END IF;
    END IF;

    FOR r IN
        SELECT u.id, u.slots, u.slot,
               greatest(budget_slot(b.window_s, clock_timestamp()),
                        CASE WHEN u.slot - budget_slot(b.window_s, clock_timestamp()) <= 61 THEN u.slot END) AS now_slot
        FROM budgets_budget b JOIN budgets_budgetuse u ON u.budget_id = b.id
        WHERE b.app_id = budget_take.app AND b.resource = budget_take.resource
            AND u.key = CASE b.per WHEN 'app' THEN budget_take.app WHEN 'account' THEN budget_take.account
                                   ELSE budget_take.lane END
        ORDER BY u.id FOR UPDATE OF u
    LOOP
        ring := budget_ring(r.slots, r.slot, r.now_slot);
        IF n > 0 THEN
            ring[1] := ring[1] + n;
        ELSE
            -- Given back is the oldest: which one it was is not known, and so the rest counts long enough in any case.
            free := -n;
            i := 61;
            WHILE free > 0 AND i >= 1 LOOP
                cap := least(free, ring[i]);
                ring[i] := ring[i] - cap;
                free := free - cap;
                i := i - 1;
            END LOOP;
        END IF;
        UPDATE budgets_budgetuse u SET slots = ring, slot = r.now_slot WHERE u.id = r.id;
    END LOOP;
    RETURN NULL;
END $$;
"""

# Asked in every claim: no lock, no write, and nothing to do for an application without budgets.
ROOM = """
CREATE FUNCTION budget_room(app uuid, resource text, urgent boolean) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT min(greatest(0, b."limit" - CASE WHEN urgent THEN 0 ELSE b.reserve END - CASE
        WHEN u.slot IS NULL THEN 0
        -- The clock was set back: the next take puts it right, and would never come if there were no room.
        WHEN u.slot - budget_slot(b.window_s, clock_timestamp()) > 61 THEN 0
        ELSE budget_sum(budget_ring(u.slots, u.slot, budget_slot(b.window_s, clock_timestamp()))) END))::int
    FROM budgets_budget b
    LEFT JOIN budgets_budgetuse u ON u.budget_id = b.id AND u.key = b.app_id
    WHERE b.app_id = budget_room.app AND b.resource = budget_room.resource AND b.per = 'app'
$$;
"""

# Another window has other sub-windows: what was used before counts as used now.
RESIZE = """
CREATE FUNCTION budget_resized() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE budgets_budgetuse u
    SET slots = budget_sum(budget_ring(u.slots, u.slot, budget_slot(OLD.window_s, clock_timestamp())))
                || array_fill(0, ARRAY[60]),
        slot = budget_slot(NEW.window_s, clock_timestamp())
    WHERE u.budget_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER budget_resized AFTER UPDATE OF window_s ON budgets_budget
    FOR EACH ROW WHEN (OLD.window_s <> NEW.window_s) EXECUTE FUNCTION budget_resized();
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0001_initial")]
    operations = [
        migrations.RunSQL(
            RING,
            "DROP FUNCTION budget_sum; DROP FUNCTION budget_ring; DROP FUNCTION budget_slot; DROP FUNCTION budget_width;",
        ),
        migrations.RunSQL(TAKE, "DROP FUNCTION budget_take"),
        migrations.RunSQL(ROOM, "DROP FUNCTION budget_room"),
        migrations.RunSQL(RESIZE, "DROP TRIGGER budget_resized ON budgets_budget; DROP FUNCTION budget_resized;"),
        # Every take rewrites a row: room on its page keeps that cheap.
        migrations.RunSQL(
            "ALTER TABLE budgets_budgetuse SET (fillfactor = 50)", "ALTER TABLE budgets_budgetuse RESET (fillfactor)"
        ),
    ]
