"""Text to decision, pure: which statements are ours, and what they say."""
