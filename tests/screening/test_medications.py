"""Recognising medications by what people type."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.medications import class_label, list_version, medication_classes, normalise, recognise, suggest

DATA = json.loads((Path(__file__).parents[2] / "screening/data/medication_classes.json").read_text("utf-8"))

ALL_NAMES = [
    (name, set(entry["classes"]))
    for entry in DATA["ingredients"]
    for name in (entry["name"], *entry.get("synonyms", ()), *entry.get("brands", ()))
]


@pytest.mark.parametrize(
    ("typed", "classes"),
    [
        ("Xanax", {"benzodiazepine"}),
        ("XANAX XR 0.5 mg", {"benzodiazepine"}),
        ("klonopin 1mg tabs BID prn", {"benzodiazepine"}),
        ("  alprazolam  ", {"benzodiazepine"}),
        ("oxycodone HCl 5 mg", {"opioid"}),
        ("Suboxone 8-2 mg film", {"opioid", "other"}),
        ("Ambien CR 12.5mg", {"z-drug"}),
        ("phenobarbital 32.4 mg", {"barbiturate", "cyp-inducer"}),
        ("Neurontin 300", {"gabapentinoid"}),
        ("Vistaril", {"sedating-antihistamine"}),
        ("Emsam patch 6 mg/24h", {"maoi"}),
        ("Vyvanse 30mg qam", {"stimulant"}),
        ("Provigil", {"stimulant"}),
        ("Theo-24 300mg", {"theophylline"}),
        ("aminophylline", {"theophylline"}),
        ("Lamictal 100 mg", {"lamotrigine", "mood-stabiliser"}),
        ("risperidone", {"antipsychotic"}),
        ("ketoconazole", {"cyp-inhibitor"}),
        ("rifampicin", {"cyp-inducer"}),
        ("St. John's Wort 300mg", {"cyp-inducer"}),
        ("Afrin nasal spray", {"nasal-decongestant"}),
        ("Flonase", {"nasal-corticosteroid", "other"}),
        ("low dose naltrexone 4.5mg", {"naltrexone"}),
        ("lithium carbonate ER 300 mg", {"mood-stabiliser"}),
        ("Sertralin\u00e9 50 mg", {"other"}),
    ],
)
def test_a_name_is_recognised_when_strength_salt_and_form_stand_with_it(typed, classes):
    result = recognise(typed)
    assert result.is_settled
    assert result.classes == classes
    assert result.suggestions == ()


@pytest.mark.parametrize(
    ("typed", "ingredients"),
    [
        ("Percocet 5/325", ("oxycodone", "acetaminophen")),
        ("oxycodone-acetaminophen 5-325 mg", ("oxycodone", "acetaminophen")),
        ("oxycodone/acetaminophen", ("oxycodone", "acetaminophen")),
        ("hydrocodone and ibuprofen", ("hydrocodone", "ibuprofen")),
        ("Tylenol #3", ("codeine", "acetaminophen")),
        ("Tylenol with codeine", ("codeine", "acetaminophen")),
        ("acetaminophen with codeine", ("acetaminophen", "codeine")),
        ("Fioricet", ("butalbital", "acetaminophen", "caffeine")),
        ("Contrave", ("naltrexone", "bupropion")),
        ("Symbyax", ("olanzapine", "fluoxetine")),
        ("Paxlovid", ("nirmatrelvir", "ritonavir")),
        ("amlodipine 10mg + lisinopril 20mg", ("amlodipine", "lisinopril")),
    ],
)
def test_every_part_counts_when_a_product_is_a_combination(typed, ingredients):
    result = recognise(typed)
    assert result.ingredients == ingredients
    assert result.is_settled


def test_a_combination_stays_unsettled_when_one_part_is_unknown():
    result = recognise("Xanax and foobarine")
    assert result.classes == {"benzodiazepine"}
    assert result.unrecognised == ("foobarine",)
    assert not result.is_settled


@pytest.mark.parametrize("typed", ["", "   ", "5 mg", "???", "some pill", "blue tablet", "Robitussin AC"])
def test_a_name_is_unclassified_when_it_is_on_no_list(typed):
    result = recognise(typed)
    assert not result.is_settled
    assert result.classes == frozenset()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lorazapam", "lorazepam"),
        ("Zoloff", "Zoloft"),
        ("gabapentine", "gabapentin"),
        ("Klonapin", "Klonopin"),
    ],
)
def test_a_misspelling_is_suggested_and_never_taken(typed, meant):
    result = recognise(typed)
    assert not result.is_settled
    assert result.classes == frozenset()
    assert meant in result.suggestions


def test_a_name_that_only_resembles_another_is_not_taken_for_it():
    assert recognise("hydralazine").classes == {"other"}
    assert recognise("hydroxyzine").classes == {"sedating-antihistamine"}
    assert recognise("clonidine").classes == {"other"}
    assert recognise("clonazepam").classes == {"benzodiazepine"}
    assert recognise("lamivudine").classes == {"other"}


@pytest.mark.parametrize(
    "typed", ["fluticasone", "Flovent HFA 110 mcg", "Advair Diskus 250/50", "mometasone cream"]
)
def test_a_steroid_is_no_nasal_product_when_it_is_not_for_the_nose(typed):
    assert "nasal-corticosteroid" not in recognise(typed).classes


@pytest.mark.parametrize(
    "typed", ["fluticasone nasal spray 50 mcg", "Nasonex", "budesonide intranasal", "Dymista"]
)
def test_a_steroid_is_a_nasal_product_when_it_is_for_the_nose(typed):
    assert "nasal-corticosteroid" in recognise(typed).classes


def test_the_route_makes_a_nasal_product():
    assert "nasal-corticosteroid" in recognise("fluticasone", is_nasal=True).classes


def test_every_name_on_the_list_is_found_as_it_stands():
    for name, classes in ALL_NAMES:
        for typed in (name, name.upper(), f"{name} 10 mg"):
            result = recognise(typed)
            assert result.is_settled, typed
            assert classes <= result.classes, typed


def test_every_nasal_brand_is_found():
    for entry in DATA["ingredients"]:
        for brand in entry.get("nasal_brands", ()):
            assert set(entry["nasal_classes"]) <= recognise(brand).classes


def test_every_product_is_made_of_listed_ingredients():
    names = {entry["name"] for entry in DATA["ingredients"]}
    for product in DATA["products"]:
        assert set(product["ingredients"]) <= names
        assert recognise(product["name"]).ingredients == tuple(product["ingredients"])


def test_no_name_stands_for_two_things():
    seen = {}
    for entry in DATA["ingredients"]:
        for name in (
            entry["name"],
            *entry.get("synonyms", ()),
            *entry.get("brands", ()),
            *entry.get("nasal_brands", ()),
        ):
            assert seen.setdefault(normalise(name), entry["name"]) == entry["name"], name
    for product in DATA["products"]:
        assert normalise(product["name"]) not in seen, product["name"]


def test_every_class_has_words_and_members():
    used = {
        key for entry in DATA["ingredients"] for key in (*entry["classes"], *entry.get("nasal_classes", ()))
    }
    assert {entry.key for entry in medication_classes()} == used
    assert class_label("maoi") == "Monoamine oxidase inhibitor"
    assert list_version() == DATA["version"]
    with pytest.raises(KeyError):
        class_label("nothing")


@given(st.text(max_size=60))
def test_anything_typed_is_answered_without_an_error(text):
    result = recognise(text)
    assert result.name == text
    assert result.is_settled or result.classes <= {entry.key for entry in medication_classes()}
    assert len(suggest(text)) <= 3
