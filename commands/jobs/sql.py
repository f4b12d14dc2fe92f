"""The statements of jobs: each handles a whole job, or a whole batch, at once."""

# Where a car stands, by its command; final ones are what settling writes down.
OUTCOME_OF = """
CASE c.state
    WHEN 'sent' THEN 'accepted' WHEN 'unknown' THEN 'unknown' WHEN 'confirmed' THEN 'confirmed'
    WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'not_sent' WHEN 'superseded' THEN 'not_sent'
    WHEN 'unresolved' THEN CASE WHEN c.error_code = 'contradicted' THEN 'contradicted' ELSE 'unproved' END
    WHEN 'refused' THEN CASE WHEN c.attempts = 0 AND c.error_code = 'quota_exhausted' THEN 'not_sent' ELSE 'refused' END
    WHEN 'expired' THEN CASE WHEN c.attempts = 0 AND c.error_code = 'quota_exhausted' THEN 'not_sent' ELSE 'expired' END
    ELSE 'running' END"""
# A command that a stop cancelled is named after the stop; one that somebody cancelled alone says so.
CODE_OF = """
CASE WHEN c.state = 'cancelled' THEN coalesce(nullif({stop_code}, ''), 'cancelled')
     WHEN c.state = 'superseded' THEN 'superseded'
     WHEN c.state IN ('refused', 'expired') AND c.attempts = 0 AND c.error_code = 'quota_exhausted' THEN 'budget'
     ELSE c.error_code END"""
IS_FINAL = "c.finished_at IS NOT NULL"

INSERT_ITEMS = """
INSERT INTO jobs_jobitem (team_id, job_id, n, vehicle_id, app_id, outcome, code, reason)
SELECT %(team)s, %(job)s, w.n, w.vehicle, w.app, CASE WHEN w.code = '' THEN 'waiting' ELSE 'skipped' END, w.code, ''
FROM unnest(%(vehicles)s::uuid[], %(apps)s::uuid[], %(codes)s::text[]) WITH ORDINALITY AS w(vehicle, app, code, n)
"""

# The maker's quota stood in the way, and not a byte was sent: the car gets its turn again, under another key.
AGAIN = """
UPDATE jobs_jobitem i SET outcome = 'waiting', command_id = NULL, fed_at = NULL, tries = i.tries + 1
FROM commands_command c
WHERE i.job_id = %(job)s AND i.outcome = 'running' AND c.id = i.command_id AND i.tries < %(most)s
    AND c.state IN ('refused', 'expired') AND c.attempts = 0 AND c.error_code IN ('quota_exhausted', 'rate_limited')
"""

SETTLE = f"""
UPDATE jobs_jobitem i
SET outcome = {OUTCOME_OF}, code = {CODE_OF.format(stop_code="%(stop_code)s")}, reason = c.error_reason
FROM commands_command c
WHERE i.job_id = %(job)s AND i.outcome = 'running' AND c.id = i.command_id AND {IS_FINAL}
"""

# Only those that this job itself made: a person's own press is not the job's to cancel.
QUEUED_COMMANDS = """
SELECT c.id FROM jobs_jobitem i JOIN commands_command c ON c.id = i.command_id
WHERE i.job_id = %(job)s AND i.outcome = 'running' AND c.state IN ('queued', 'claimed') AND c.cause = %(cause)s
"""

# What is over stands at the cars; only what is on its way is looked up at its command.
COUNTS = f"""
SELECT outcome, code, reason, sum(number)::int FROM (
    SELECT i.outcome, i.code, i.reason, count(*) AS number FROM jobs_jobitem i
    WHERE i.job_id = %(job)s AND i.outcome <> 'running' GROUP BY 1, 2, 3
    UNION ALL
    SELECT {OUTCOME_OF}, CASE WHEN {IS_FINAL} THEN {CODE_OF.format(stop_code="''")} ELSE '' END,
           CASE WHEN {IS_FINAL} THEN c.error_reason ELSE '' END, count(*)
    FROM jobs_jobitem i JOIN commands_command c ON c.id = i.command_id
    WHERE i.job_id = %(job)s AND i.outcome = 'running' GROUP BY 1, 2, 3
) AS both_parts
GROUP BY 1, 2, 3
"""

# Failed and finished among the cars that were asked for.
SHARE = """
SELECT count(*) FILTER (WHERE outcome = ANY(%(failures)s)), count(*) FROM jobs_jobitem
WHERE job_id = %(job)s AND outcome = ANY(%(failures)s || ARRAY['confirmed'])
"""

OUTCOMES = "SELECT outcome, count(*) FROM jobs_jobitem WHERE job_id = %(job)s GROUP BY outcome"

WAITING_BY_APP = """
SELECT app_id, count(*) FROM jobs_jobitem WHERE job_id = %(job)s AND outcome = 'waiting' GROUP BY app_id
"""

# What may be sent no more at this moment was eligible when the job began: it is told, and not asked again.
NOTE_FED = """
UPDATE jobs_jobitem i
SET command_id = w.command, outcome = CASE WHEN w.code = '' THEN 'running' ELSE 'not_sent' END, code = w.code,
    fed_at = %(now)s
FROM unnest(%(items)s::bigint[], %(commands)s::uuid[], %(codes)s::text[]) AS w(id, command, code)
WHERE i.id = w.id AND i.outcome = 'waiting'
"""

# (app, provider, queued there for the team, why it is shut, is it being tried again, has it a quota)
ROOMS = """
SELECT a.id, a.provider,
       (SELECT count(*) FROM commands_command c
        WHERE c.app_id = a.id AND c.team_id = %(team)s AND c.rank > 0 AND c.state = 'queued')::int,
       CASE WHEN NOT a.is_enabled OR a.held_until > clock_timestamp() THEN 'held'
            WHEN a.breaker_until > clock_timestamp() THEN 'breaker' ELSE '' END,
       a.breaker_until IS NOT NULL,
       EXISTS (SELECT 1 FROM budgets_budget b WHERE b.app_id = a.id)
FROM vehicles_providerapp a WHERE a.id = ANY(%(apps)s)
"""

# (app, commands of the job that have not paid yet, those whose effect is looked for, those whose time for it has come)
IN_FLIGHT = """
SELECT i.app_id, (count(*) FILTER (WHERE c.state IN ('queued', 'claimed')))::int,
       (count(*) FILTER (WHERE c.state IN ('sending', 'sent', 'unknown')))::int,
       (count(*) FILTER (WHERE c.state IN ('sent', 'unknown')
                         AND c.answered_at < clock_timestamp() - %(settle_s)s * interval '1 s'))::int
FROM jobs_jobitem i JOIN commands_command c ON c.id = i.command_id
WHERE i.job_id = %(job)s AND i.outcome = 'running' AND i.app_id = ANY(%(apps)s) GROUP BY i.app_id
"""

# Whether a car is looked at before the send, as commands.freshness.must_look_first says; fresh_s None: in any case.
IS_STALE = """(%(fresh_s)s::float8 IS NULL OR o.value IS NULL OR o.value NOT IN ('"online"', '"asleep"')
    OR o.received_at < clock_timestamp() - %(fresh_s)s::float8 * interval '1 s')"""

# (app, cars that are looked at before the send, cars that sleep)
STATES = f"""
SELECT w.app, (count(*) FILTER (WHERE {IS_STALE}))::int, (count(*) FILTER (WHERE o.value = '"asleep"'))::int
FROM unnest(%(vehicles)s::uuid[], %(apps)s::uuid[]) AS w(vehicle, app)
LEFT JOIN vehicles_vehiclesignal o ON o.vehicle_id = w.vehicle AND o.signal = 'online_state'
GROUP BY w.app
"""

# (id, n, vehicle, tries, app, is it looked at before the send) of the cars whose turn it is, in the job's order.
NEXT_ITEMS = f"""
SELECT i.id, i.n, i.vehicle_id, i.tries, a.app, {IS_STALE}
FROM unnest(%(apps)s::uuid[], %(free)s::int[]) AS a(app, free)
CROSS JOIN LATERAL (
    SELECT id, n, vehicle_id, tries FROM jobs_jobitem
    WHERE job_id = %(job)s AND app_id = a.app AND outcome = 'waiting' ORDER BY n LIMIT a.free
) i
LEFT JOIN vehicles_vehiclesignal o ON o.vehicle_id = i.vehicle_id AND o.signal = 'online_state'
ORDER BY i.n LIMIT %(allowed)s
"""
