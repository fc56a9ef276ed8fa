"""Pictures of what a model recovers: histories of galaxies, and how good they are over many.

Figures are as wide as a printed page and are drawn at their true size: letters are 7 to 8.5 points high.
"""
