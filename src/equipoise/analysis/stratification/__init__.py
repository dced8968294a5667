"""Who benefits: profiles, differences between people in the effect, and forecasts."""
