"""What was taken for a request counts from the moment it leaves, not from the moment it was set aside."""

from django.db import migrations

# The oldest that counts is moved to now: the rest then counts at least as long as if it had been the very one set aside,
# and there are no more of them, so that what was granted is not refused again. What was set aside so long ago that it
# may have run out is taken anew: the oldest would be somebody else's, which has left.
RENEW = """
CREATE FUNCTION budget_renew(app uuid, account uuid, lane uuid, resource text, n int, urgent boolean, age_s float8)
RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    r record;
    ring int[];
    moved int;
    part int;
    i int;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('budget:' || app::text, 0));
    FOR r IN
        SELECT budget_sum(budget_ring(u.slots, u.slot, budget_slot(b.window_s, clock_timestamp()))) AS used,
               budget_width(b.window_s) AS width
        FROM budgets_budget b
        CROSS JOIN LATERAL (SELECT CASE b.per WHEN 'app' THEN budget_renew.app WHEN 'account' THEN budget_renew.account
                                              ELSE budget_renew.lane END AS key) k
        LEFT JOIN budgets_budgetuse u ON u.budget_id = b.id AND u.key = k.key
        WHERE b.app_id = budget_renew.app AND b.resource = budget_renew.resource AND k.key IS NOT NULL
    LOOP
        IF coalesce(r.used, 0) < n OR age_s >= 59 * r.width THEN
            RETURN budget_take(app, account, lane, resource, n, urgent);
        END IF;
    END LOOP;
    FOR r IN
        SELECT u.id, u.slots, u.slot,
               greatest(budget_slot(b.window_s, clock_timestamp()),
                        CASE WHEN u.slot - budget_slot(b.window_s, clock_timestamp()) <= 61 THEN u.slot END) AS now_slot
        FROM budgets_budget b JOIN budgets_budgetuse u ON u.budget_id = b.id
        WHERE b.app_id = budget_renew.app AND b.resource = budget_renew.resource
            AND u.key = CASE b.per WHEN 'app' THEN budget_renew.app WHEN 'account' THEN budget_renew.account
                                   ELSE budget_renew.lane END
        ORDER BY u.id FOR UPDATE OF u
    LOOP
        ring := budget_ring(r.slots, r.slot, r.now_slot);
        moved := 0;
        i := 61;
        WHILE moved < n AND i >= 1 LOOP
            part := least(n - moved, ring[i]);
            ring[i] := ring[i] - part;
            moved := moved + part;
            i := i - 1;
        END LOOP;
        ring[1] := ring[1] + moved;
        UPDATE budgets_budgetuse u SET slots = ring, slot = r.now_slot WHERE u.id = r.id;
    END LOOP;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("budgets", "0003_grant_wakes")]
    operations = [migrations.RunSQL(RENEW, "DROP FUNCTION budget_renew")]
