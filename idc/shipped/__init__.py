"""The bundled model, recorded runs and demo set: made and installed here."""
