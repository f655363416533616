"""Where the REST API and the pages hang."""

from importlib.util import find_spec

from django.urls import include, path

_HANGS = {"api/v1/": "api.rest.urls", "": "api.pages.urls"}

urlpatterns = [
    path(prefix, include(module)) for prefix, module in _HANGS.items() if find_spec(module)
]
