"""Networks of the literature by their names: those of LAUBE Table 7.1, and ENAS."""
