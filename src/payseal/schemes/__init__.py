"""What a scheme is, and the catalogue: one TOML file a provider feature."""

from payseal.schemes.scheme import Scheme, scheme
from payseal.schemes.tables import catalogue_names

__all__ = ["Scheme", "catalogue_names", "scheme"]
