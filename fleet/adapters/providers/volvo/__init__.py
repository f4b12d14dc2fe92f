"""Volvo as a provider: the Connected Vehicle, Energy and Location APIs of the maker."""
