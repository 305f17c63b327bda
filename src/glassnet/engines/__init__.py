"""Who does the arithmetic: one interface (`base`), and the NumPy engine (`reference`)."""
