"""A local web page of all runs, config trees and tables: watched, compared, started and stopped.

It needs the extra `studio` (Starlette, uvicorn, sse-starlette, tomlkit), and imports these when it
is started.
"""
