"""Paced patients that measure a server from outside. Each process of them is ``server.client.load.worker``."""
