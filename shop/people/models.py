"""People who use the shop, and customers who own packs."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from shop.people.roles import Role


class User(AbstractUser):
    role = models.CharField(
        max_length=16,
        choices=[(r.value, r.value.title()) for r in Role],
        default=Role.TECHNICIAN.value,
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=[r.value for r in Role]), name="user_role_known"
            )
        ]

    @property
    def words(self) -> str:
        """The name to show inside the shop; never to a customer (T2)."""
        return self.get_full_name() or self.username


class Customer(models.Model):
    name = models.CharField(max_length=200)
    contact = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
