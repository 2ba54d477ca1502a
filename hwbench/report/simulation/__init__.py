"""The part of a report that shows simulated selections."""
