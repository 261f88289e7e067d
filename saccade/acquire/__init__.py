"""Brings published datasets: fetched, verified, unpacked. No torch."""
