"""SSML: what is accepted, what is refused and how that is told, and clauses that are documents themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.errors import SsmlError
from voice_grpc.core.text.ssml import escape, is_prosody, parse, with_prosody

GOOD = {
    "plain": ("<speak>Hello.</speak>", "Hello."),
    "entities": ("<speak>Tom &amp; Anna, 3 &lt; 4 &#233;</speak>", "Tom & Anna, 3 < 4 é"),
    "break": ('<speak>One.<break time="500ms"/> Two.<break strength="weak"/></speak>', "One. Two."),
    "emphasis": ('<speak>It is <emphasis level="strong">very</emphasis> good.</speak>', "It is very good."),
    "prosody": ('<speak><prosody rate="slow" pitch="+2st" volume="-6dB">Hush.</prosody></speak>', "Hush."),
    "say-as": ('<speak>Call <say-as interpret-as="telephone">555 1234</say-as>.</speak>', "Call 555 1234."),
    "sub": ('<speak><sub alias="World Wide Web">WWW</sub></speak>', "WWW"),
    "phoneme": ('<speak><phoneme alphabet="ipa" ph="təˈmeɪtoʊ">tomato</phoneme></speak>', "tomato"),
    "sentences": ("<speak><p><s>One</s><s>Two</s></p></speak>", "One\nTwo\n\n"),
    "a comment": ("<speak>One<!-- or two --> apple.</speak>", "One apple."),
    "attributes": (
        '<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">Hi.</speak>',
        "Hi.",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_voices_render_is_accepted(case: str) -> None:
    document, text = GOOD[case]
    assert parse(document).text == text


BAD = {
    "": "got 0 characters, accepted: 1 to 8000",
    "hello": "line 1, column 1: got syntax error, accepted: well-formed XML",
    "<speak>Hi": "line 1, column 10: got no element found",
    "<speak>Hi</spek>": "got mismatched tag",
    "<p>Hi</p>": "line 1, column 1: got <p>, accepted: <speak> around everything",
    "<speak> </speak>": "got no words",
    '<speak>Hi <audio src="http://evil"/></speak>': "line 1, column 11: got <audio>, accepted: break, ",
    "<speak><speak>Hi</speak></speak>": "got <speak>",
    '<speak>\n<break time="99s"/>Hi</speak>': "line 2, column 1: got time='99s' of <break>",
    '<speak><break when="now"/>Hi</speak>': "got when of <break>, accepted: time, strength",
    '<speak><prosody pitch="funny">Hi</prosody></speak>': "got pitch='funny' of <prosody>",
    "<speak><prosody>Hi</prosody></speak>": "got <prosody> without anything",
    "<speak><say-as>1</say-as></speak>": "got <say-as> without interpret-as",
    '<speak><sub alias="x"><break/>y</sub></speak>': "got <break> inside <sub>, accepted: nothing but words",
    "<speak><break>now</break>Hi</speak>": "got words inside <break>",
    "<speak>A & B</speak>": "got not well-formed",
    "<speak>&nbsp;</speak>": "got undefined entity",
    '<!DOCTYPE speak [<!ENTITY x "y">]><speak>&x;</speak>': "got a DOCTYPE",
    "<?php echo 1?><speak>Hi</speak>": "got a processing instruction",
    "<speak>" + "<emphasis>" * 20 + "Hi" + "</emphasis>" * 20 + "</speak>": "inside 16 others",
    f"<speak>{'x' * 8_000}</speak>": "got 8015 characters",
}


@pytest.mark.parametrize("document", BAD)
def test_what_is_refused_says_where_and_what_is_accepted(document: str) -> None:
    with pytest.raises(SsmlError) as told:
        parse(document)
    assert BAD[document] in str(told.value)


def test_a_billion_laughs_are_refused_before_anybody_laughs() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    with pytest.raises(SsmlError, match="DOCTYPE"):
        parse(f'<!DOCTYPE s [<!ENTITY l0 "lol">{entities}]><speak>&l9;</speak>')


def test_clauses_are_documents_with_what_is_open_around_them() -> None:
    slow = '<prosody rate="slow">It is late. Good <emphasis>night</emphasis>.</prosody>'
    clauses = parse(f"<speak>Sure thing. {slow} Bye.</speak>").clauses()
    assert [clause.text for clause in clauses] == ["Sure thing.", " It is late.", " Good night.", " Bye."]
    assert clauses[0].document == "<speak>Sure thing.</speak>"
    assert clauses[1].document == '<speak> <prosody rate="slow">It is late.</prosody></speak>'
    assert clauses[2].document == (
        '<speak><prosody rate="slow"> Good <emphasis>night</emphasis>.</prosody></speak>'
    )


def test_a_break_belongs_to_what_follows_and_the_last_one_to_the_end() -> None:
    clauses = parse('<speak>One is here.<break time="1s"/> Two is there.<break time="2s"/></speak>').clauses()
    assert [clause.document for clause in clauses] == [
        "<speak>One is here.</speak>",
        '<speak><break time="1s"></break> Two is there.<break time="2s"></break></speak>',
    ]


def test_what_is_read_as_one_is_never_cut() -> None:
    document = (
        '<speak>Well, <say-as interpret-as="date" format="dmy">1. 2. 2026. It</say-as> is today. Yes.</speak>'
    )
    for clause in parse(document).clauses():
        assert clause.document.count("<say-as") == clause.document.count("</say-as>")
    assert "1. 2. 2026. It</say-as>" in "".join(clause.document for clause in parse(document).clauses())


WORDS = st.text(alphabet="abc .,!?<>&\"'é\n", min_size=1, max_size=30)
LEAF = WORDS.map(escape) | st.sampled_from(
    ['<break time="1s"/>', '<sub alias="a">b. c, d</sub>', '<say-as interpret-as="date">1. 2. 3</say-as>']
)
TREE = st.recursive(
    LEAF,
    lambda inner: st.tuples(
        st.sampled_from(["s", "p", 'prosody rate="slow"', "emphasis"]), st.lists(inner, max_size=4)
    ).map(lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0].split()[0]}>"),
    max_leaves=12,
)


@given(st.lists(TREE, min_size=1, max_size=6).map("".join))
def test_the_clauses_say_the_whole_and_each_is_accepted(inside: str) -> None:
    try:
        whole = parse(f"<speak>{inside}</speak>")
    except SsmlError:
        return
    clauses = whole.clauses()
    assert "".join(clause.text for clause in clauses) == whole.text
    for clause in clauses:
        if clause.text.strip():
            assert parse(clause.document).text.split() == clause.text.split()
    assert "".join(clause.document for clause in clauses).count("<break") == inside.count("<break")


@given(st.text(max_size=200))
def test_any_text_can_be_escaped(text: str) -> None:
    if escape(text).strip():
        said = parse(with_prosody(text, "+2st", "soft")).text
        assert (
            said.split()
            == "".join(c if c >= " " else " " for c in text if not "\ud800" <= c <= "\udfff").split()
        )


@pytest.mark.parametrize(
    ("name", "value", "is_one"),
    [("pitch", "+2st", True), ("pitch", "low", True), ("pitch", "2", False), ("volume", "soft", True),
     ("volume", "-6dB", True), ("volume", "11", False)],
)  # fmt: skip
def test_values_of_prosody(name: str, value: str, is_one: bool) -> None:
    assert is_prosody(name, value) is is_one
