# One image for web, worker, beat, Flower and the migration; docker-compose.yml says which.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements/production.txt requirements/
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/production.txt

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SCOREBOARD_DATA_DIR=/var/lib/scoreboard
RUN groupadd --gid 10001 scoreboard \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/scoreboard --create-home --shell /usr/sbin/nologin scoreboard
COPY --from=build /venv /venv
WORKDIR /app
COPY celeryconfig.py ./
COPY common common
COPY scoreboard scoreboard
COPY web web
COPY workers workers
USER 10001:10001
EXPOSE 8000 9100 5555
CMD ["python", "-m", "gunicorn", "--config", "web/server/gunicorn_config.py", "web.server.wsgi:app"]
