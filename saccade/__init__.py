"""Saccade: does adaptive-computation video recognition work, and what does it cost?"""

__version__ = "0.1.0"
