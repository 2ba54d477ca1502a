"""Image sets made of folders, Parquet, IDX, arrays and published archives."""
