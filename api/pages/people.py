"""`/login` and `/logout`."""

from __future__ import annotations

from django.contrib.auth import views

login = views.LoginView.as_view(template_name="people/login.html", redirect_authenticated_user=True)
logout = views.LogoutView.as_view(next_page="/login")
