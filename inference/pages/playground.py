"""The page to try models on. What it does happens in the browser, over `/ws/generate`."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.pages.page import page
from accounts.principal import Principal


@page("GET")
def playground(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Render the page."""
    return render(request, "playground.html")
