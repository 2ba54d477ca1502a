"""Files that are fetched: continued after a cut, held against their checksums."""
