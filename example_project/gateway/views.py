"""A simulated SMS gateway and its phones; for ``DEBUG`` only."""

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from gateway.models import Sms

#: The number of messages that the phone on the page shows.
SHOWN = 20


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def messages(request: HttpRequest) -> HttpResponse:
    """POST: accept a message, like a provider. GET: list them, like a phone."""
    if request.method == "POST":
        message = json.loads(request.body)
        Sms.objects.create(to=message["to"], body=message["body"])
        return JsonResponse({"status": "sent"}, status=201)
    newest = Sms.objects.order_by("-pk")[:SHOWN]
    return JsonResponse(
        {"messages": list(newest.values("id", "to", "body", "sent_at"))}
    )
