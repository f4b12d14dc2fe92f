"""The statements of the dispatcher. Each is one round trip; what must hold together stands in one statement."""

# Every statement here finds few rows among many by an index; plans that were made while the tables were small, or that
# trust the statistics of a queue, read them whole.
SESSION = """
SELECT set_config('fleetwell.actor', 'system:dispatcher', false), set_config('jit', 'off', false),
       set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
       set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false)
"""

MAX_CLAIMS = 3
LEASE_S = 120
# Nothing is permitted that has less than this left: the bytes must be out before the deadline.
MARGIN_S = 2.0
# A dispatcher without a sign of life for so long sends nothing any more.
SILENT_S = 15
# The state is looked at before sending when it is known no better than this; a team may choose otherwise.
CHECK_FIRST_S = 60

READY = "c.state = 'queued' AND c.ready_at <= clock_timestamp()"
# Registrations to which something may be sent now; after a breaker's pause one command at a time looks how it is.
OPEN = """a.is_enabled AND (a.held_until IS NULL OR a.held_until <= clock_timestamp())
        AND (a.breaker_until IS NULL OR (a.breaker_until <= clock_timestamp()
             AND (a.probe_until IS NULL OR a.probe_until <= clock_timestamp())))"""
# A command that waits for its next try keeps the later ones of the same car and connection behind it: first sends keep
# the order of acceptance. Another team's command for the same car does not wait for it.
IN_ORDER = """NOT EXISTS (SELECT 1 FROM commands_command e WHERE e.lane_id = c.lane_id AND e.link_id = c.link_id
        AND e.state = 'queued' AND e.sequence < c.sequence
        AND e.ready_at > clock_timestamp() AND e.deadline > clock_timestamp())"""
CLAIMABLE = f"{READY} AND c.deadline > clock_timestamp() AND c.claims < {MAX_CLAIMS} AND {IN_ORDER}"

# Who is next: the teams served least recently that have something ready, with what the budget lets through.
TURNS = f"""
SELECT t.id, t.app_id, t.team_id, a.breaker_until IS NOT NULL AS is_probing,
       budget_room(t.app_id, 'calls', true) AS room_urgent, budget_room(t.app_id, 'calls', false) AS room
FROM commands_turn t JOIN vehicles_providerapp a ON a.id = t.app_id AND {OPEN}
WHERE EXISTS (SELECT 1 FROM commands_command c
              WHERE c.app_id = t.app_id AND c.team_id = t.team_id AND c.rank IN (0, 1) AND c.rank >= 0 AND {READY})
ORDER BY t.served_at LIMIT 32
"""

# Some free lanes of each of them: what a person waits for first, then the oldest.
# Claiming in this same statement stuck lanes on a stale snapshot; hence the second statement.
PICK_LANES = f"""
SELECT lane.lane_id, w.turn FROM unnest(
    %(turns)s::bigint[], %(apps)s::uuid[], %(teams)s::uuid[], %(ranks)s::int[], %(rooms)s::int[]
) AS w(turn, app_id, team_id, rank, room) CROSS JOIN LATERAL (
    SELECT c.lane_id FROM commands_command c JOIN vehicles_lane l ON l.id = c.lane_id
    WHERE c.app_id = w.app_id AND c.team_id = w.team_id AND c.rank = w.rank AND c.rank >= 0
        AND l.busy_id IS NULL AND {CLAIMABLE}
    ORDER BY c.ready_at LIMIT w.room FOR NO KEY UPDATE OF l SKIP LOCKED
) lane
"""

# Per lane the first command in order of acceptance. The lane says who is in flight; the unique index is the net.
CLAIM = f"""
WITH picked AS (
    SELECT first.id FROM unnest(%(lanes)s::uuid[]) AS w(lane_id) CROSS JOIN LATERAL (
        SELECT c.id FROM commands_command c
        WHERE c.lane_id = w.lane_id AND {CLAIMABLE}
            AND EXISTS (SELECT 1 FROM vehicles_lane l WHERE l.id = w.lane_id AND l.busy_id IS NULL)
            AND EXISTS (SELECT 1 FROM vehicles_providerapp a WHERE a.id = c.app_id AND {OPEN})
        ORDER BY c.sequence LIMIT 1
    ) first
), claimed AS (
    UPDATE commands_command c
    SET state = 'claimed', fence = nextval('commands_fence'), claims = c.claims + 1, dispatcher_id = %(dispatcher)s,
        lease_until = clock_timestamp() + interval '{LEASE_S} s'
    FROM picked WHERE c.id = picked.id AND c.state || '' = 'queued'
    RETURNING c.*
), busy AS (
    UPDATE vehicles_lane l SET busy_id = claimed.id FROM claimed WHERE l.id = claimed.lane_id
)
SELECT c.id, c.team_id, c.vehicle_id, c.lane_id, c.link_id, c.app_id, c.kind, c.parameters, c.retry_class,
       c.rank, c.origin, c.fence, c.attempts, c.max_attempts, c.claims,
       extract(epoch FROM c.deadline - clock_timestamp())::float8 AS left_s,
       l.provider_vehicle_id, n.account_id, a.breaker_until IS NOT NULL AS is_probe,
       s.sealed AS secret_sealed,
       ARRAY(SELECT k.scope FROM vehicles_consent k WHERE k.link_id = l.id AND k.withdrawn_at IS NULL
             AND k.scope = ANY(n.scopes_granted)) AS scopes,
       o.value #>> '{{}}' AS online_state, extract(epoch FROM clock_timestamp() - o.received_at)::float8 AS state_age_s,
       coalesce(policy.check_first_s, {CHECK_FIRST_S}) AS check_first_s
FROM claimed c
JOIN vehicles_vehiclelink l ON l.id = c.link_id
JOIN vehicles_connection n ON n.id = l.connection_id
JOIN vehicles_providerapp a ON a.id = c.app_id
LEFT JOIN commands_commandsecret s ON s.command_id = c.id
LEFT JOIN vehicles_vehiclesignal o ON o.vehicle_id = c.vehicle_id AND o.signal = 'online_state'
LEFT JOIN rules_teampolicy policy ON policy.team_id = c.team_id
"""

SERVED = """
UPDATE commands_turn SET served_at = clock_timestamp()
WHERE id IN (SELECT id FROM commands_turn WHERE id = ANY(%(turns)s) FOR UPDATE SKIP LOCKED)
"""

# Where rows are named by their id, the state stands in an expression: the statistics of a queue are never right, and
# the planner, taking the partial indexes on `state` for tiny, read all that is in flight to find each one.
# The permit: everything that was true at acceptance must be true now, and the attempt is on record before a byte is.
MARK = f"""
WITH asked AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(fences)s::bigint[], %(waits)s::float8[]) AS w(id, fence, wait_s)
), permitted AS (
    UPDATE commands_command c
    SET state = 'sending', attempts = c.attempts + 1, lease_until = NULL, is_waking = false,
        permitted_at = clock_timestamp(), answer_by = clock_timestamp() + asked.wait_s * interval '1 s',
        answered_at = NULL
    FROM asked, teams_authority a, vehicles_vehiclelink l, vehicles_connection n, vehicles_providerapp p
    WHERE c.id = asked.id AND c.fence = asked.fence AND c.state || '' = 'claimed' AND c.attempts < c.max_attempts
        AND c.deadline > clock_timestamp() + interval '{MARGIN_S} s'
        AND a.id = c.authority_id AND a.version = c.authority_version AND a.revoked_at IS NULL
        AND a.valid_from <= clock_timestamp() AND (a.valid_until IS NULL OR a.valid_until > clock_timestamp())
        AND l.id = c.link_id AND l.consent_version = c.consent_version AND l.ended_at IS NULL
        AND n.id = l.connection_id AND n.status = 'active' AND (n.ends_at IS NULL OR n.ends_at > clock_timestamp())
        AND p.id = c.app_id AND p.is_enabled AND (p.held_until IS NULL OR p.held_until <= clock_timestamp())
    RETURNING c.id, c.team_id, c.attempts, c.fence
), noted AS (
    INSERT INTO commands_commandattempt (team_id, command_id, n, fence)
    SELECT team_id, id, attempts, fence FROM permitted
)
SELECT id FROM permitted
"""

# The lane is locked before the commands on it, by everybody who takes a command out of flight: a press holds the lane
# while it supersedes, and whoever held the command and then wanted the lane met it in a deadlock.
LOCK_LANES = """
SELECT l.id FROM vehicles_lane l
WHERE l.id IN (SELECT c.lane_id FROM commands_command c WHERE {which})
ORDER BY l.id FOR NO KEY UPDATE
"""
LANES_ARE_LOCKED = "(SELECT count(*) FROM lanes) >= 0"

# What became of commands, by fence: a worker that was overtaken moves nothing.
RECORD = f"""
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS g(
        id uuid, fence bigint, expected text, state text, ref text, evidence text, code text, reason text,
        before jsonb, after jsonb, observed_at timestamptz, retry_s float8, check_s float8, is_crash boolean)
), lanes AS MATERIALIZED (
    {LOCK_LANES.format(which="c.id = ANY(%(ids)s::uuid[]) AND c.state || '' IN ('claimed', 'sending')")}
), moved AS (
    UPDATE commands_command c
    SET state = g.state, lease_until = NULL, is_waking = false,
        ref = coalesce(nullif(g.ref, ''), c.ref),
        evidence = g.evidence, error_code = g.code, error_reason = g.reason,
        before = coalesce(c.before, nullif(g.before, 'null')), after = coalesce(nullif(g.after, 'null'), c.after),
        observed_at = coalesce(g.observed_at, c.observed_at),
        answered_at = CASE WHEN c.state = 'sending' THEN clock_timestamp() ELSE c.answered_at END,
        finished_at = CASE WHEN g.state IN ('confirmed', 'failed', 'refused', 'expired', 'unresolved')
                      THEN clock_timestamp() END,
        ready_at = CASE WHEN g.state = 'queued' THEN clock_timestamp() + g.retry_s * interval '1 s'
                   ELSE c.ready_at END,
        claims = c.claims - CASE WHEN c.state = 'claimed' AND g.state = 'queued' AND NOT g.is_crash
                            THEN 1 ELSE 0 END,
        next_check_at = CASE WHEN g.state IN ('sent', 'unknown')
                        THEN clock_timestamp() + g.check_s * interval '1 s' END
    FROM given g
    WHERE {LANES_ARE_LOCKED}
        AND c.id = g.id AND c.fence = g.fence AND c.state || '' = ANY(string_to_array(g.expected, ','))
    RETURNING c.id, c.fence, c.state
), noted AS (
    UPDATE commands_commandattempt a SET outcome = moved.state, finished_at = clock_timestamp()
    FROM moved WHERE a.fence = moved.fence
)
SELECT id, state FROM moved
"""

# Why a permit was not given, for those that are still ours; the others were moved by somebody else.
WHY_NOT = f"""
SELECT
    CASE
        WHEN c.deadline <= clock_timestamp() + interval '{MARGIN_S} s' THEN 'expired'
        WHEN a.version <> c.authority_version OR a.revoked_at IS NOT NULL OR a.valid_from > clock_timestamp()
             OR a.valid_until <= clock_timestamp() THEN 'rights_changed'
        WHEN l.consent_version <> c.consent_version OR l.ended_at IS NOT NULL OR n.status <> 'active'
             OR n.ends_at <= clock_timestamp() THEN 'consent_changed'
        WHEN p.held_until > clock_timestamp() OR NOT p.is_enabled THEN 'rate_limited'
        ELSE 'not_written'
    END AS code,
    coalesce(extract(epoch FROM p.held_until - clock_timestamp()), 5)::float8 AS retry_s
FROM commands_command c
JOIN vehicles_providerapp p ON p.id = c.app_id
JOIN teams_authority a ON a.id = c.authority_id
JOIN vehicles_vehiclelink l ON l.id = c.link_id
JOIN vehicles_connection n ON n.id = l.connection_id
WHERE c.id = %(id)s AND c.fence = %(fence)s AND c.state = 'claimed'
"""

WAKING = """
WITH woken AS (
    UPDATE commands_command SET is_waking = true
    WHERE id = %(id)s AND fence = %(fence)s AND state = 'claimed' RETURNING team_id, vehicle_id, id
)
SELECT pg_notify('fleetwell_live', json_build_object('kind', 'command.waking', 'team', team_id, 'vehicle', vehicle_id,
                                                     'subject', 'command:' || id)::text) FROM woken
"""

# The car said so itself; kept until a provider says otherwise, or for as long as fleet.vehicles.services keeps it.
LEARN = """
UPDATE vehicles_vehiclelink SET capabilities = capabilities || jsonb_build_object(%(kind)s::text, jsonb_build_object(
    'answer', 'no', 'why', 'not_capable', 'source', 'answer', 'checked_at', now(), 'ranges', '{}'::jsonb))
WHERE id = %(link)s
"""

GRANT_WAKE = "SELECT wake_grant(%(lane)s::uuid, %(app)s::uuid, %(automated)s::boolean, %(cause)s::text) AS code"

SEEN = """
INSERT INTO commands_dispatcher (id, seen_at, in_flight) VALUES (%(id)s, clock_timestamp(), %(in_flight)s)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, in_flight = excluded.in_flight
"""

GONE = "DELETE FROM commands_dispatcher WHERE id = %(id)s"

# What a check of a sent or unknown command needs to know.
TO_CHECK = """
SELECT c.id, c.team_id, c.vehicle_id, c.link_id, c.app_id, c.kind, c.parameters, c.fence, c.state, c.ref, c.before,
       coalesce(c.answered_at, c.permitted_at) AS answered_at,
       l.provider_vehicle_id, n.account_id,
       ARRAY(SELECT k.scope FROM vehicles_consent k WHERE k.link_id = l.id AND k.withdrawn_at IS NULL
             AND k.scope = ANY(n.scopes_granted)) AS scopes,
       EXISTS (SELECT 1 FROM commands_command later WHERE later.lane_id = c.lane_id AND later.family = c.family
               AND later.sequence > c.sequence AND later.permitted_at IS NOT NULL) AS is_overtaken
FROM commands_command c
JOIN vehicles_vehiclelink l ON l.id = c.link_id
JOIN vehicles_connection n ON n.id = l.connection_id
WHERE c.state IN ('sent', 'unknown') AND c.id = ANY(%(ids)s)
"""

DUE_FOR_CHECK = """
UPDATE commands_command c SET next_check_at = clock_timestamp() + interval '15 s'
WHERE c.id IN (
    SELECT id FROM commands_command WHERE state IN ('sent', 'unknown') AND next_check_at <= clock_timestamp()
    ORDER BY next_check_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING c.id
"""

NOBODY_HAS_IT = f"""NOT EXISTS (
        SELECT 1 FROM commands_dispatcher d WHERE d.id = c.dispatcher_id
            AND d.seen_at > clock_timestamp() - interval '{SILENT_S} s')"""
OVERDUE_CLAIM = f"c.state = 'claimed' AND (c.lease_until <= clock_timestamp() OR {NOBODY_HAS_IT})"
OVERDUE_ANSWER = f"c.state = 'sending' AND (c.answer_by <= clock_timestamp() OR {NOBODY_HAS_IT})"

SWEEP = (
    # Deadlines: nothing of these was sent.
    """
    UPDATE commands_command SET state = 'expired', lease_until = NULL,
           error_code = coalesce(nullif(error_code, ''), 'deadline'), finished_at = clock_timestamp()
    WHERE state = 'queued' AND attempts >= 0 AND deadline <= clock_timestamp()
    """,
    # Parked: nobody claims what crashed a dispatcher so often.
    f"""
    UPDATE commands_command SET state = 'refused', error_code = 'parked', finished_at = clock_timestamp()
    WHERE state = 'queued' AND claims >= {MAX_CLAIMS}
    """,
    # Claimed by a dispatcher that fell silent, or for longer than its lease: back to the queue, under a new fence.
    f"""
    WITH lanes AS MATERIALIZED ({LOCK_LANES.format(which=OVERDUE_CLAIM)})
    UPDATE commands_command c SET lease_until = NULL, is_waking = false, fence = nextval('commands_fence'),
           state = CASE WHEN c.deadline <= clock_timestamp() THEN 'expired'
                        WHEN c.claims >= {MAX_CLAIMS} THEN 'refused' ELSE 'queued' END,
           error_code = CASE WHEN c.deadline <= clock_timestamp() THEN 'deadline'
                             WHEN c.claims >= {MAX_CLAIMS} THEN 'parked' ELSE '' END,
           finished_at = CASE WHEN c.deadline <= clock_timestamp() OR c.claims >= {MAX_CLAIMS}
                         THEN clock_timestamp() END
    WHERE {LANES_ARE_LOCKED} AND {OVERDUE_CLAIM}
    """,
    # Permitted, and nobody is left to hear the answer: the car may have acted. Look at once.
    f"""
    WITH lanes AS MATERIALIZED ({LOCK_LANES.format(which=OVERDUE_ANSWER)})
    UPDATE commands_command c SET state = 'unknown', error_code = 'outcome_unknown',
           answered_at = clock_timestamp(), next_check_at = clock_timestamp()
    WHERE {LANES_ARE_LOCKED} AND {OVERDUE_ANSWER}
    """,
    "DELETE FROM commands_dispatcher WHERE seen_at < clock_timestamp() - interval '1 hour'",
    # Only teams that have work keep a turn; one that was given up in the very moment of a press is given back here.
    """
    DELETE FROM commands_turn t WHERE t.served_at < clock_timestamp() - interval '1 hour' AND NOT EXISTS (
        SELECT 1 FROM commands_command c WHERE c.app_id = t.app_id AND c.team_id = t.team_id AND c.state = 'queued')
    """,
    """
    INSERT INTO commands_turn (app_id, team_id)
    SELECT DISTINCT c.app_id, c.team_id FROM commands_command c
    WHERE c.state = 'queued' AND NOT EXISTS (
        SELECT 1 FROM commands_turn t WHERE t.app_id = c.app_id AND t.team_id = c.team_id)
    ON CONFLICT DO NOTHING
    """,
)

# Work waits, or nobody is awake for the next press: the first one after a pause should not pay for a cold start.
HOLD = """
UPDATE vehicles_providerapp
SET held_until = greatest(held_until, clock_timestamp() + least(%(retry_s)s, 3600) * interval '1 s')
WHERE id = %(app)s
"""

# The pause grows with the time for which the provider has been away: half of it, from 15 s to 5 min.
BREAK = """
WITH broken AS (
    UPDATE vehicles_providerapp SET breaker_code = %(code)s, probe_until = NULL,
        breaker_opened_at = coalesce(breaker_opened_at, clock_timestamp()),
        breaker_until = clock_timestamp() + least(interval '5 min', greatest(interval '15 s',
            (clock_timestamp() - coalesce(breaker_opened_at, clock_timestamp())) / 2))
    WHERE id = %(app)s AND (breaker_until IS NULL OR breaker_until <= clock_timestamp())
    RETURNING id, breaker_opened_at, breaker_until
)
INSERT INTO events_event (kind, actor, subject, data)
SELECT 'provider.down', 'system:dispatcher', 'provider:' || id,
       jsonb_build_object('code', %(code)s::text, 'since', breaker_opened_at, 'next_try_at', breaker_until) FROM broken
"""

MEND = """
WITH before AS (SELECT id, breaker_opened_at FROM vehicles_providerapp WHERE id = %(app)s AND breaker_until IS NOT NULL
                FOR UPDATE),
mended AS (
    UPDATE vehicles_providerapp a
    SET breaker_opened_at = NULL, breaker_until = NULL, breaker_code = '', probe_until = NULL
    FROM before WHERE a.id = before.id RETURNING a.id, before.breaker_opened_at
)
INSERT INTO events_event (kind, actor, subject, data)
SELECT 'provider.up', 'system:dispatcher', 'provider:' || id, jsonb_build_object('since', breaker_opened_at) FROM mended
"""

PROBING = """
UPDATE vehicles_providerapp SET probe_until = clock_timestamp() + interval '90 s'
WHERE id = ANY(%(apps)s) AND breaker_until IS NOT NULL
"""

NEEDS_DISPATCHER = f"""
SELECT EXISTS (SELECT 1 FROM commands_command c WHERE c.rank >= 0 AND {READY})
    OR NOT EXISTS (SELECT 1 FROM commands_dispatcher d
                   WHERE d.seen_at > clock_timestamp() - interval '{SILENT_S} s')
"""
