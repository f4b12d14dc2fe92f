"""The providers of this installation, as the settings hold them."""

from django.conf import settings

from fleet.sign_on.providers import Provider, domain_of


def all_providers() -> tuple[Provider, ...]:
    return tuple(settings.SIGN_ON_PROVIDERS)


def find_provider(provider_id: str) -> Provider | None:
    """Return a provider by its id."""
    return next((provider for provider in all_providers() if provider.id == provider_id), None)


def provider_for(domain: str) -> Provider | None:
    """Return the one provider that is believed about a domain."""
    return next((provider for provider in all_providers() if domain in provider.domains), None)


def required_for(address: str) -> Provider | None:
    """Return the provider by which alone the person of an address may come in. The domain decides, not the person:
    what is said about it tells nobody who has an account.
    """
    provider = provider_for(domain_of(address))
    return provider if provider is not None and provider.is_required else None
