"""The application that gunicorn serves."""

from common.core import logging, settings
from web import create_app
from web.reference import views as reference
from web.services import Services

_settings = settings.load()
logging.configure(_settings, "web")
app = create_app(_settings)
reference.prepare(app)
_services: Services = app.extensions["scoreboard"]
_services.revocation_watch.start()
