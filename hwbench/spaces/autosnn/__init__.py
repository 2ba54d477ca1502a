"""AutoSNN: spiking networks of chosen blocks (NA 404-480, 1249-1681)."""
