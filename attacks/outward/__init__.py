"""Webhooks, hosted pages and files."""
