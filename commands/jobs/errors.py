"""Why a job was not made, or could not be changed any more."""

from commands.jobs.models import Job


class JobError(Exception):
    """Nothing was written; `code` is stable."""

    code = "job_error"


class NotAllowed(JobError):
    """The person's role may not send commands."""

    code = "role"


class TooLate(JobError):
    """The job is over, or has begun to send, so this can no longer be done."""

    code = "too_late"

    def __init__(self, job: Job) -> None:
        super().__init__(job.state)
        self.job = job


class NothingToRetry(JobError):
    """No car of the job failed for a reason worth another try."""

    code = "nothing_to_retry"
