"""The web application for an ASGI server: `uvicorn deploy.asgi:application`."""

import os

from django.core.asgi import get_asgi_application

from deploy.limits import BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

application = BodyLimit(get_asgi_application())
