"""Startbutton's webhooks: written down with what they tell of, signed, and delivered to where they may go."""
