"""Tells other systems what happened, by Standard Webhooks: what is told, where, how often, and how it is signed."""
