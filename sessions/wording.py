"""Lists that forms offer and records keep by key: instructions, the room, challenging experiences.

Keys are stored; the words may be improved without touching a record.
"""

INSTRUCTIONS = {
    "no-alcohol": "No alcohol or recreational drugs from the day before",
    "fasting": "No food for 2 h and no drink for 30 min before the dose (or as the clinic told you)",
    "medicines": "Which medicines to take and which to leave out that morning",
    "escort": "A trusted adult comes to take you home; no driving until the next day, after a night's sleep",
    "rest": "Keep the rest of the day free, and the next two days light",
    "bring": "Comfortable clothes, a journal, a blanket or pillow",
    "expectations": "Not a cure: effects differ, and therapy goes on",
    "call": "Whom to ring when something worries you, by day and by night",
}
ENVIRONMENT = {
    "lighting": "Soft light",
    "temperature": "Temperature right, blanket at hand",
    "seating": "Lying or reclining safely",
    "eye-shades": "Eye shades offered",
    "music": "Music chosen, without lyrics",
    "quiet": "Interruptions kept away",
    "emergency": "Oxygen, suction, airway kit and emergency drugs within reach",
    "sickness": "Bowl and tissues within reach",
}
HOME_ENVIRONMENT = {
    "adult-present": "A sober adult is in the home for the whole time",
    "video": "Video and a second way to reach each other work",
    "address": "Address for emergency services confirmed",
    "cuff": "Blood pressure cuff and oximeter are there and work",
    "hazards": "No stove, bath, stairs or driving until the end",
}
CHALLENGE_SIGNS = {
    "trauma": {
        "vivid-memories": "Vivid memories or flashbacks",
        "intense-emotion": "Intense emotion",
        "freezing": "Freezing or hyperventilation",
        "dissociation": "Dissociation beyond the expected",
        "after-distress": "Distress after the dose",
    },
    "existential": {
        "mortality": "Fear of death or dying",
        "meaning": "Loss of meaning",
        "ego": "Loss of self",
        "isolation": "Utter isolation",
        "transcendence": "Overwhelming transcendence",
    },
    "negative": {
        "imagery": "Frightening imagery",
        "paranoia": "Paranoia",
        "dysphoria": "Dysphoria",
        "panic": "Panic without a trigger",
    },
}
# In the order in which practice guide G0 names them.
CHALLENGE_STEPS = {
    "trauma": {
        "grounding": "Grounding",
        "presence": "Supportive presence",
        "no-forcing": "No forced processing",
        "safety": "Physical safety secured",
        "dose": "Dose adjustment considered with the prescriber",
    },
    "existential": {
        "presence": "Supportive presence",
        "normalise": "Named as material, not pathology",
        "allow": "Allowed to unfold without interpreting",
        "body": "Brought back to breath and body",
    },
    "negative": {
        "validate": "Validated what was felt",
        "reorient": "Reminded of place, time and that it passes",
        "music": "Music or light changed",
        "presence": "Supportive presence",
        "dose": "Dose adjustment considered with the prescriber",
    },
}
CHALLENGE_FOLLOW_UP = {
    "trauma": {
        "titrated": "Titrated exploration",
        "stabilise": "Stabilisation first",
        "specialist": "Referral to a trauma specialist",
        "protocol": "Change of the protocol",
        "preparation": "More preparation before the next dose",
    },
    "existential": {
        "integration": "Meaning-centred integration",
        "pastoral": "Spiritual care offered",
        "peer": "Peer support offered",
    },
    "negative": {
        "coping": "Coping plan",
        "protocol": "Change of the protocol",
        "appropriateness": "Assess whether ketamine is still right",
    },
}


def words_of(keys: list[str], *lists: dict[str, str]) -> list[str]:
    """The words for stored keys, in the order of the lists; unknown keys are shown as they are."""
    known: dict[str, str] = {}
    for entries in lists:
        known.update(entries)
    ordered = [known[key] for key in known if key in keys]
    return ordered + [key for key in keys if key not in known]
