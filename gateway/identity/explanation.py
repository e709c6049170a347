"""The rules of patient identity in sentences, for work lists and audit; never with data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Rule → language → sentence.
EXPLANATIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "kvnr-birth-date-name": {
            "de": "KVNR und Geburtsdatum sind gleich, die Namen passen: verknüpft.",
            "en": "KVNR and birth date are equal, the names are compatible: linked.",
        },
        "other-birth-date": {
            "de": "Gleiche KVNR, anderes Geburtsdatum (etwa ein Neugeborenes auf der Versicherung "
            "der Mutter oder eine falsche KVNR): ein Mensch entscheidet.",
            "en": "Equal KVNR, other birth date (perhaps a newborn on its mother's insurance or a "
            "wrong KVNR): a person decides.",
        },
        "other-name": {
            "de": "KVNR und Geburtsdatum sind gleich, die Namen passen nicht (etwa Zwillinge oder "
            "ein neuer Name): ein Mensch entscheidet.",
            "en": "KVNR and birth date are equal, the names are not compatible (perhaps twins or a "
            "new name): a person decides.",
        },
        "ambiguous": {
            "de": "Der Datensatz passt zu mehreren, die untereinander nicht zusammenpassen: ein "
            "Mensch entscheidet.",
            "en": "The record fits several that do not fit each other: a person decides.",
        },
        "separated": {
            "de": "Ein Mensch hat entschieden, dass es zwei Personen sind.",
            "en": "A person has decided that these are two people.",
        },
        "placeholder": {
            "de": "Ein Platzhaltername passt zu niemandem.",
            "en": "A placeholder name matches nobody.",
        },
        "birth-date-incomplete": {
            "de": "Ein Geburtsdatum fehlt oder ist unvollständig: keine Verknüpfung.",
            "en": "A birth date is missing or incomplete: no link.",
        },
        "no-kvnr": {
            "de": "Ohne KVNR wird nichts vorgeschlagen.",
            "en": "Without a KVNR nothing is proposed.",
        },
        "invalid-kvnr": {
            "de": "Die KVNR hat eine falsche Form oder Prüfziffer und schlägt nichts vor.",
            "en": "The KVNR has a wrong form or check digit and proposes nothing.",
        },
        "nobody-else": {
            "de": "Kein anderer Datensatz nennt diese KVNR.",
            "en": "No other record states this KVNR.",
        },
        "no-longer-proposed": {
            "de": "Die KVNR wurde geändert: der frühere Vorschlag gilt nicht mehr.",
            "en": "The KVNR was changed: the earlier proposal no longer holds.",
        },
        "merge": {
            "de": "Der Absender hat die Datensätze zusammengeführt.",
            "en": "The sender has merged the records.",
        },
        "merge-of-two-kvnrs": {
            "de": "Zusammengeführt werden sollen Datensätze mit zwei verschiedenen gültigen KVNR: "
            "ein Mensch entscheidet.",
            "en": "Records with two different valid KVNRs are to be merged: a person decides.",
        },
        "merge-of-separated": {
            "de": "Zusammengeführt werden soll, was ein Mensch für zwei Personen erklärt hat: ein "
            "Mensch entscheidet.",
            "en": "Records that a person has found to be two people are to be merged: a person "
            "decides.",
        },
        "same-record": {
            "de": "Ein Datensatz wird nicht mit sich selbst zusammengeführt.",
            "en": "A record is not merged with itself.",
        },
    }
)
