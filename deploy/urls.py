"""Where the REST API and the pages hang."""

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("api.rest.urls")),
    path("", include("api.pages.urls")),
]
