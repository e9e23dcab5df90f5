# One image for web, workers, beat and the owner's migrations; docker-compose.yml says who runs what.
FROM python:3.11-slim-bookworm

# What WeasyPrint loads at run time.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KAP_MODE=production \
    KAP_HOST=0.0.0.0 \
    PORT=8000 \
    KAP_VAR=/var/lib/kapclinic

WORKDIR /app
COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY . .

# The static files need no database and no real secret, so they are part of the image. The program runs as a user of its own.
RUN useradd --system --uid 10001 --user-group --no-create-home kapclinic \
    && mkdir -p /var/lib/kapclinic/mail /var/lib/kapclinic/beat /var/lib/kapclinic/audit \
    && SECRET_KEY=unused-while-building-0123456789-abcdefghijklmnopqrstuvwxyz ALLOWED_HOSTS=localhost \
       DATABASE_URL=postgresql://unused@localhost/unused REDIS_URL=redis://localhost:6379/0 \
       KAP_ENCRYPTION_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
       KAP_AUDIT_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
       python manage.py collectstatic --no-input --verbosity 0 \
    && chown -R kapclinic:kapclinic /var/lib/kapclinic
USER kapclinic

EXPOSE 8000
CMD ["sh", "-c", "exec env DATABASE_POOL=1 python -m gunicorn kapclinic.wsgi --config kapclinic/runtime/gunicorn_conf.py"]
