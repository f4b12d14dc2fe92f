"""Every text is translated, and the checker notices when one is not."""

import shutil
from pathlib import Path

import pytest

from tools.check_translations import faults, lost_placeholders
from tools.translate import ROOT, collect, compiled, key_of, read_catalog, settle_head


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A project with one template, whose German catalogue is complete."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text('{% load i18n %}{% translate "Lock" %}')
    folder = tmp_path / "locale" / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Lock"\nmsgstr "Verriegeln"\n'
    )
    catalog = read_catalog("de", tmp_path)
    settle_head(catalog)
    (folder / "django.mo").write_bytes(compiled(catalog))
    return tmp_path


def test_catalogues_when_checked_are_complete_and_fresh() -> None:
    assert faults() == []


def test_checker_when_the_project_is_complete_is_content(small_project: Path) -> None:
    assert faults(small_project) == []


def test_checker_when_a_text_is_new_says_so(small_project: Path) -> None:
    (small_project / "templates" / "b.html").write_text('{% load i18n %}{% translate "Unlock" %}')

    assert faults(small_project) == ["de: not collected yet: Unlock"]


def test_checker_when_a_text_is_gone_says_so(small_project: Path) -> None:
    (small_project / "templates" / "a.html").write_text("")

    assert "de: no longer used: Lock" in faults(small_project)


def test_checker_when_a_translation_changed_without_compiling_says_so(small_project: Path) -> None:
    path = small_project / "locale" / "de" / "LC_MESSAGES" / "django.po"
    path.write_text(path.read_text().replace("Verriegeln", "Abschließen"))

    assert faults(small_project) == ["de: django.mo is older than django.po; run tools/translate.py"]


@pytest.mark.parametrize(
    ("source", "translation", "is_lost"),
    [
        ("%(name)s asks", "%(name)s fragt", False),
        ("%(name)s asks", "Jemand fragt", True),
        ("Ask {asker}", "Fragen Sie {wen}", True),
        (("Your car", "Your %(counter)s cars"), ("Ihr Auto", "Ihre %(counter)s Autos"), False),
        (("Your car", "Your %(counter)s cars"), ("Ihr Auto", "Ihre %(zahl)s Autos"), True),
    ],
)
def test_lost_placeholders_when_compared_are_found(source: object, translation: object, is_lost: bool) -> None:
    assert lost_placeholders(source, translation) is is_lost


def test_collect_when_reading_templates_and_code_finds_plurals_and_contexts(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "fleet").mkdir()
    (tmp_path / "templates" / "a.html").write_text(
        "{% load i18n %}\n"
        "  {% blocktranslate count counter=n %}one{% plural %}{{ counter }} many{% endblocktranslate %}"
    )
    (tmp_path / "fleet" / "b.py").write_text('x = pgettext("state", "Open")\n')

    found = {key_of(message) for message in collect(tmp_path) if message.id}

    assert found == {(None, ("one", "%(counter)s many")), ("state", "Open")}


def test_compiled_catalogue_when_made_twice_is_the_same() -> None:
    first, second = read_catalog("de", ROOT), read_catalog("de", ROOT)
    for catalog in (first, second):
        settle_head(catalog)

    assert compiled(first) == compiled(second)


def test_catalogue_when_copied_elsewhere_is_read_from_there(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "locale", tmp_path / "locale")

    assert len(read_catalog("de", tmp_path)) == len(read_catalog("de", ROOT))
