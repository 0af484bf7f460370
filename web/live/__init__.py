"""The live socket: the hub owns every viewer's socket of this process and writes ready-made frames to them.

No thread and no greenlet is kept per viewer: each has one watcher on gevent's loop. Everything here runs in that
loop's one thread, so whatever does not wait is atomic.
"""
