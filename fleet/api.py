"""The addresses of the API. What is not there is told as a problem, in JSON like everything else."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.http import require_safe

from compatibility import api as compatibility
from fleet.problems import PROBLEMS, answer_problem, describe


def not_found(_request: HttpRequest) -> HttpResponse:
    """Answer any address that does not exist, by whatever method."""
    return answer_problem("not_found")


@require_safe
def explain_problem(_request: HttpRequest, code: str) -> HttpResponse:
    """Say what a problem means: the address that is its `type`."""
    if code not in PROBLEMS:
        return answer_problem("not_found")
    return JsonResponse(describe(code), headers={"Cache-Control": "public, max-age=3600"})


app_name = "api"
urlpatterns = [
    path("v1/compatibility", compatibility.Rows.as_view(), name="compatibility"),
    path("v1/compatibility/answer", compatibility.CarAnswer.as_view(), name="compatibility_answer"),
    path("v1/compatibility/ask", compatibility.Ask.as_view(), name="compatibility_ask"),
    path("problems/<slug:code>", explain_problem, name="problem"),
    re_path(r"", not_found, name="not_found"),
]
