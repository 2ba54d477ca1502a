"""Estimators that no library has, one a file; which card uses which is in the cards."""
