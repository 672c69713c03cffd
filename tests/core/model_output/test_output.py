"""Marks, thoughts and calls in the text of any model: whole, cut at every place, and by characters."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.model_output.output import MalformedCall, ModelOutput

TOOLS = ("get_weather", "clock")
ARGUMENTS = '{"city": "Lisbon"}'
WEATHER = ("get_weather", {"city": "Lisbon"})
CALL = f'{{"name": "get_weather", "arguments": {ARGUMENTS}}}'


def read(
    parts: Sequence[str], tools: Sequence[str] = TOOLS, *, begins_inside: bool = False
) -> tuple[str, list[tuple[str, object]] | None]:
    """What is said, and the calls; None for calls: they cannot be read."""
    output = ModelOutput(tools, begins_inside=begins_inside)
    said = "".join(output.feed(part) for part in parts) + output.finish()
    try:
        return said, [(call.name, dict(call.arguments)) for call in output.calls()]
    except MalformedCall:
        return said, None


def said(text: str, tools: Sequence[str] = TOOLS, *, begins_inside: bool = False) -> str:
    """However the stream cuts it, it is read alike."""
    whole = read([text], tools, begins_inside=begins_inside)
    assert read(list(text), tools, begins_inside=begins_inside) == whole
    for cut in range(len(text) + 1):
        assert read([text[:cut], text[cut:]], tools, begins_inside=begins_inside) == whole, text[:cut]
    assert whole[1] == []
    return whole[0]


def called(text: str, tools: Sequence[str] = TOOLS) -> list[tuple[str, object]] | None:
    """However the stream cuts it, nothing of it is said."""
    words, calls = read([text], tools)
    assert words.strip() == ""
    for parts in (list(text), *([text[:cut], text[cut:]] for cut in range(len(text) + 1))):
        found = read(parts, tools)
        assert (found[0].strip(), found[1]) == ("", calls), parts
    return calls


# ---------------------------------------------------------------- marks

ENDS = [
    *("</s>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>"),
    *("<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>", "<end_of_turn>", "<｜end▁of▁sentence｜>", "<EOS_TOKEN>"),
    *("<eos>", "<|eos|>", "<|EOT|>", "<|return|>", "<|end|>", "<turn|>", "[EOS]", "<end_of_utterance>"),
]  # fmt: skip


@pytest.mark.parametrize("mark", ENDS)
def test_a_mark_that_ends_an_answer_is_not_said_and_nothing_behind_it(mark: str) -> None:
    assert said(f"It is sunny today.{mark}") == "It is sunny today."
    assert said(f"It is sunny today.{mark}\n<|im_start|>user\nAnd tomorrow?", ()) == "It is sunny today."
    output = ModelOutput()
    output.feed(f"It is sunny today.{mark}")
    assert output.is_over


@pytest.mark.parametrize(
    "mark",
    [
        "<s>",
        "<unk>",
        "<bos>",
        "[/INST]",
        "<<SYS>>",
        "<</SYS>>",
        "<|begin_of_text|>",
        "<｜begin▁of▁sentence｜>",
    ],
)
def test_a_mark_that_means_nothing_vanishes(mark: str) -> None:
    assert said(f"{mark}It is {mark}sunny.{mark}") == "It is sunny."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<start_of_turn>model\nHello.<end_of_turn>\n<start_of_turn>user\nHi", "Hello."),
        ("Hello.<start_of_turn>user\nHi", "Hello."),
        ("<|im_start|>assistant\nHello.<|im_start|>user\nHi", "Hello."),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>", "\n\nHello."),
        ("<|start_of_role|>assistant<|end_of_role|>Hello.<|end_of_text|>", "Hello."),
        ("<|assistant|>Hello.<|user|>Hi", "Hello."),
        ("<｜Assistant｜>Hello.<｜User｜>Hi", "Hello."),
        ("[INST]Hello.[INST] And you? [/INST] Well.", "Hello."),
        ("<|START_RESPONSE|>Hello.<|END_RESPONSE|>", "Hello."),
        ("<|turn>model\nHello.<turn|>", "Hello."),
        ("<answer>Hello.</answer>", "Hello."),
        ("Hello.<|im_e", "Hello."),
    ],
)
def test_a_model_speaks_in_its_own_turn_alone(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d",
        "1 <",
        "<b>bold</b> and <thin>",
        "[see below] and [1], [inst] [INS",
        "ends in <thi",
        "a<|b and |c|",
        "x <| y |> z",
        "{curly} [square] (round) `code`",
        "```python\nx = {}\n```",
        'It is {"a": 1}.',
        '{"name": "Anna", "age": 3}',
        '[{"city": "Lisbon"}]',
        "clock says ten",
        "get_weather is a tool",
        "function of time",
        "The clock (on the wall) is late.",
        "Action: none",
        "analysis is hard",
        "final words",
        "",
        " \n",
    ],
)
def test_text_that_only_looks_like_it_is_said_as_it_is(text: str) -> None:
    assert said(text) == text


@given(st.text(alphabet="ab <>|[]{}`\"':,.\n", max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_where_a_text_is_cut_changes_nothing(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    parts = [text[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    assert read(parts) == read([text])


@given(st.text(alphabet="abcXYZ 0123.,;!?()*/+-=%&@#'\n", max_size=80))
def test_plain_text_is_said_as_it_is(text: str) -> None:
    assert read([text]) == (text, [])


def test_nothing_is_held_back_that_cannot_become_a_mark() -> None:
    output = ModelOutput(TOOLS)
    assert output.feed("Hello <") == "Hello "
    assert output.feed("b>") == "<b>"
    assert output.feed(" {") == " "
    assert output.feed('"x') == '{"x'
    assert not output.has_thought


# ---------------------------------------------------------------- thoughts

THOUGHTS = [
    ("<think>", "</think>"),
    ("<THINK>", "</THINK>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|think|>", "<|/think|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    (
        "<|channel|>commentary<|message|>",
        "<|start|>assistant<|channel|>final <|constrain|>text<|message|>",
    ),
    ("analysis", "assistantfinal"),
]


@pytest.mark.parametrize(("begin", "end"), THOUGHTS)
def test_thoughts_are_not_said(begin: str, end: str) -> None:
    thought = f"The user wants lunch. 1 < 2, {CALL}, [x] and <b>."
    assert said(f"{begin}{thought}{end}Lunch is at noon.") == "Lunch is at noon."
    assert said(f"{begin}{thought}") == ""
    assert said(f"{begin}{thought}", ()) == ""
    output = ModelOutput()
    output.feed(f"{begin}{thought}{end}Yes.")
    assert output.has_thought
    assert not output.was_not_opened


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>\n\n</think>\n\nYes.", "\n\nYes."),
        ("<thinking>a</thinking>Yes.<thought>b</thought> No.", "Yes. No."),
        ("<think>a</thinking>Yes.", "Yes."),
        ("<think>say <reflection>no</reflection></think>Yes.", "Yes."),
        ("One <think>two</think> three", "One  three"),
        ("<think>a < b </thin k></think>Yes.", "Yes."),
        ("<think>hm<|im_end|>more", ""),
        ("<|channel|>final Hello.", " Hello."),
        ("<|start|>assistant<|message|>Hello.<|return|>", "Hello."),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>analysis<|message|>b", ""),
    ],
)
def test_thoughts_end_where_they_were_opened(text: str, expected: str) -> None:
    assert said(text) == expected


def test_thoughts_that_the_template_opened_are_known_by_their_end() -> None:
    output = ModelOutput()
    assert output.feed("The user wants. </think>Yes.") == "The user wants. Yes."
    assert output.was_not_opened
    assert said("The user wants. </think>Yes.", begins_inside=True) == "Yes."


# ---------------------------------------------------------------- calls

CALLS = [
    f"<tool_call>\n{CALL}\n</tool_call>",
    f"<tool_call>\n{CALL}\n</tool_call><|im_end|>",
    f"<tool_call>{CALL}",
    f"<function_call>{CALL}</function_call>",
    f"<tools>{CALL}</tools>",
    f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    f"<|tool_call|>[{CALL}]<|/tool_call|>",
    f"[TOOL_CALLS][{CALL}]",
    f"[TOOL_CALLS]get_weather[ARGS]{ARGUMENTS}",
    f"[TOOL_CALLS]get_weather{ARGUMENTS}</s>",
    f"<function=get_weather>{ARGUMENTS}</function>",
    "<tool_call>\n<function=get_weather>\n<parameter=city>\nLisbon\n</parameter>\n</function>\n</tool_call>",
    "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Lisbon</arg_value>\n</tool_call>",
    '<minimax:tool_call><invoke name="get_weather"><parameter name="city">Lisbon</parameter></invoke>',
    f"<|python_tag|>{CALL}",
    '<|python_tag|>get_weather.call(city="Lisbon")',
    '<|tool_call_start|>[get_weather(city="Lisbon")]<|tool_call_end|>',
    '<|tool_call>call:get_weather{city:<|"|>Lisbon<|"|>}<tool_call|>',
    "<start_function_call>call:get_weather{city:<escape>Lisbon<escape>}<end_function_call>",
    f'<|START_ACTION|>[{{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {ARGUMENTS}}}]',
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
    f"{ARGUMENTS}<|tool_call_end|><|tool_calls_section_end|>",
    f"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{ARGUMENTS}\n```",
    f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{ARGUMENTS}<|call|>",
    f"<|start|>assistant to=functions.get_weather<|channel|>commentary<|message|>{ARGUMENTS}",
    f"functions.get_weather:0{ARGUMENTS}",
    f"functools[{CALL}]",
    f"get_weather{ARGUMENTS}",
    'get_weather(city="Lisbon")',
    "[get_weather(city='Lisbon')]",
    '```tool_code\nprint(default_api.get_weather(city="Lisbon"))\n```',
    f"Action: get_weather\nAction Input: {ARGUMENTS}",
    CALL,
    f"[{CALL}]",
    f"```json\n{CALL}\n```",
    f"```\n{CALL}\n```",
    f"`{CALL}`",
    f"```xml\n<tool_call>{CALL}</tool_call>\n```",
    f"<think>They ask.</think>\n{CALL}",
    f'{{"name": "get_weather", "parameters": {ARGUMENTS}}}',
    f'{{"arguments": {ARGUMENTS}, "name": "get_weather"}}',
    f'{{"type": "function", "function": {{"name": "get_weather", "arguments": {ARGUMENTS}}}}}',
    '{"tool_calls": [{"function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Lisbon\\"}"}}]}',
    f'{{"tool": "get_weather", "tool_input": {ARGUMENTS}}}',
    f'{{"get_weather": {ARGUMENTS}}}',
    "{'name': 'get_weather', 'arguments': {'city': 'Lisbon'}}",
    CALL.removesuffix("}"),
    f"{CALL}<|eot_id|>",
    f"{CALL}\n\nIt is 21 degrees in Lisbon.",
    '{"name": "get_weather<|channel|>commentary", "arguments": {"city": "Lisbon<|im_end|>"}}',
    '<tool_call>{"name": "get_weather", "arguments": {"city": "Lisbon<|im_end|>"}}</tool_call>',
    '{"name": "get_weather", "arguments": {"city": "Lisbon"}<|im_end|>',
]  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_a_call_in_the_text_is_called_and_not_said(text: str) -> None:
    assert called(text) == [WEATHER]


@pytest.mark.parametrize(
    "text",
    [
        f'{CALL}\n{{"name": "clock", "arguments": {{}}}}',
        f'{CALL}; {{"name": "clock", "arguments": {{}}}}',
        f'<tool_call>{CALL}</tool_call>\n<tool_call>{{"name": "clock"}}</tool_call>',
        f'[TOOL_CALLS][{CALL}, {{"name": "clock", "arguments": {{}}}}]',
        '[get_weather(city="Lisbon"), clock()]',
        f"functions.get_weather:0{ARGUMENTS}functions.clock:1{{}}",
        f"<function=get_weather>{ARGUMENTS}</function><function=clock>{{}}</function>",
    ],
)
def test_several_calls_in_the_text_are_all_called(text: str) -> None:
    assert called(text) == [WEATHER, ("clock", {})]


def test_words_before_a_call_are_said() -> None:
    for opening in ("Let me see. ", "Let me see.\n", "One moment: "):
        for text in (CALL, f"<tool_call>{CALL}</tool_call>", f"```json\n{CALL}\n```"):
            assert read([opening + text]) == read(list(opening + text)) == (opening, [WEATHER])


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        (f'<tool_call>{{"name": "stocks", "arguments": {ARGUMENTS}}}</tool_call>', TOOLS),
        (f'{{"name": "stocks", "arguments": {ARGUMENTS}}}', TOOLS),
        (f"<function=stocks>{ARGUMENTS}</function>", ()),
    ],
)
def test_a_call_of_a_tool_that_is_none_is_a_call_all_the_same(text: str, tools: Sequence[str]) -> None:
    assert called(text, tools) == [("stocks", {"city": "Lisbon"})]


def test_without_tools_an_object_is_text() -> None:
    assert said(CALL, ()) == CALL


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "get_weather", "arguments": {"city": "Lis',
        '<tool_call>{"name": "get_weather", "argu',
        "<tool_call>the weather, please</tool_call>",
        "[TOOL_CALLS]",
        '<|python_tag|>get_weather.call("Lisbon")',
        '<tool_call>{"name": "get_weather", "arguments": {"city": NaN}}</tool_call>',
        "<tool_call>" + "[" * 100_000,
    ],
)
def test_a_call_that_cannot_be_read_is_not_said_and_not_called(text: str) -> None:
    assert read([text]) == ("", None)


def test_what_may_become_a_call_is_not_held_back_for_ever() -> None:
    output = ModelOutput(TOOLS)
    assert output.feed('{"name": "' + "x" * 10_000).startswith('{"name": "xxx')
