"""The course's colours, for its plots and its live figures."""

__all__ = ["PALETTE"]

# Eight colours that stay apart for colour-blind readers, in print, and on white and near-black pages.
PALETTE = ("#3B7DD8", "#D9662B", "#2E9E6B", "#B6489B", "#8A7A1F", "#1FA3B5", "#C23B4B", "#7A6BD1")
