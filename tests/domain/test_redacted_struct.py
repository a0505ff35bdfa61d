from shared.domain.validation import RedactedStruct


def test_redacted_fields_are_never_shown() -> None:
    class Key(RedactedStruct, frozen=True):
        text: str

    key = Key("hush")
    assert (key.text, repr(key), key.__rich_repr__()) == ("hush", "Key()", [])
