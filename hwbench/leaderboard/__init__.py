"""The leaderboard: standings of predictors from stored scores, their page, and what others add."""
