"""Configuration of gunicorn. KAP_HOST is the address to listen on, PORT the port, WEB_CONCURRENCY the processes."""

import os

# The demo's passwords are public, so only this machine is answered unless somebody asks for more.
bind = [f"{os.environ.get('KAP_HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"]
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
# The program is loaded once and shared by the processes: a quicker start and less memory.
preload_app = True
timeout = 60
graceful_timeout = 10
keepalive = 5
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
control_socket_disable = True
loglevel = "warning"
# Paths hold public ids alone, yet who read what is recorded by the audit app and not by a web server's log.
accesslog = None


def on_starting(_server: object) -> None:
    """Do not serve while a key is missing that stored values need."""
    from kapclinic.encryption.rotation import end_without_keys

    end_without_keys()
