# Answers held to a format, and calls of tools, through the official client.
import json

import openai
import pydantic

from api import chat, client, complete, refused
from server import CHAT

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather", "description": "The weather in a city.",
        "parameters": {
            "type": "object", "additionalProperties": False, "required": ["city", "unit"],
            "properties": {
                "city": {"type": "string", "maxLength": 20, "pattern": "^[A-Za-z ]+$"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
            },
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "parameters": {
            "type": "object", "additionalProperties": False, "required": ["zone"],
            "properties": {"zone": {"enum": ["UTC", "CET"]}},
        },
    },
}
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


class City(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    population: int = pydantic.Field(ge=0, le=99_999_999)
    coastal: bool


def json_object(server):
    answer = chat(server, response_format={"type": "json_object"}, max_tokens=300, temperature=1, seed=1,
                  messages=[{"role": "user", "content": "Answer with a small JSON object about Paris."}])
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)
    assert answer.choices[0].message.content.startswith("{")
    plain = chat(server, response_format={"type": "text"})
    assert plain.choices[0].message.content == chat(server).choices[0].message.content


def json_schema(server):
    schema = City.model_json_schema()
    shape = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}}
    for seed in range(3):
        answer = chat(server, QUESTION, response_format=shape, max_tokens=100, temperature=1, seed=seed)
        assert answer.choices[0].finish_reason == "stop", answer
        City.model_validate_json(answer.choices[0].message.content)
    chunks = chat(server, QUESTION, response_format=shape, max_tokens=100, temperature=1, seed=2, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == answer.choices[0].message.content
    parsed = client(server).chat.completions.parse(
        model=CHAT, messages=QUESTION, response_format=City, max_tokens=100).choices[0].message.parsed
    assert isinstance(parsed, City)
    text = complete(server, "Paris: ", max_tokens=100, extra_body={"response_format": shape}).choices[0].text
    City.model_validate_json(text)


def other_formats(server):
    answer = complete(server, "A date: ", max_tokens=30, extra_body={"regex": "[0-9]{4}-[01][0-9]"})
    assert len(answer.choices[0].text) == 7 and answer.choices[0].finish_reason == "stop"
    answer = complete(server, "Yes or no? ", extra_body={"grammar": 'root ::= "yes" | "no"'})
    assert answer.choices[0].text in ("yes", "no")


def bad_formats(server):
    for shape, param in [
        ({"type": "xml"}, "response_format.type"), ({}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "strange"}}}, "response_format"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"uniqueItems": True}}}, "response_format"),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#/nowhere"}}}, "response_format"),
    ]:
        error = refused(openai.BadRequestError, lambda: chat(server, response_format=shape))
        assert error.param == param, (shape, error.body)
    for body in ({"grammar": "root ::= root"}, {"regex": "("}, {"regex": "a", "grammar": 'root ::= "a"'}):
        refused(openai.BadRequestError, lambda: complete(server, extra_body=body))


def arguments_of(call):
    arguments = json.loads(call.function.arguments)
    if call.function.name == "get_weather":
        assert set(arguments) == {"city", "unit"} and arguments["unit"] in ("celsius", "fahrenheit"), arguments
    else:
        assert call.function.name == "get_time" and arguments["zone"] in ("UTC", "CET"), call
    assert call.type == "function" and call.id
    return arguments


def forced_calls(server):
    for choice in ("required", {"type": "function", "function": {"name": "get_time"}}):
        answer = chat(server, QUESTION, tools=[WEATHER, TIME], tool_choice=choice, max_tokens=200,
                      parallel_tool_calls=False)
        message = answer.choices[0].message
        assert answer.choices[0].finish_reason == "tool_calls" and message.content is None, answer
        assert len(message.tool_calls) == 1
        arguments_of(message.tool_calls[0])
        if choice != "required":
            assert message.tool_calls[0].function.name == "get_time"
    several = chat(server, QUESTION, tools=[TIME], tool_choice="required", max_tokens=200, temperature=1, seed=5, n=2)
    calls = [call for choice in several.choices for call in choice.message.tool_calls or []]
    assert calls and len({call.id for call in calls}) == len(calls)
    for call in calls:
        arguments_of(call)


def streamed_calls(server):
    name, text, ids, reasons = "", "", set(), []
    for chunk in chat(server, QUESTION, tools=[WEATHER], tool_choice="required", max_tokens=200, stream=True,
                      parallel_tool_calls=False):
        reasons.append(chunk.choices[0].finish_reason)
        assert not chunk.choices[0].delta.content
        for call in chunk.choices[0].delta.tool_calls or []:
            name += call.function.name or ""
            text += call.function.arguments or ""
            ids |= {call.id} if call.id else set()
    assert name == "get_weather" and len(ids) == 1 and set(json.loads(text)) == {"city", "unit"}
    assert reasons[-1] == "tool_calls" and not any(reasons[:-1])


def free_choice(server):
    answer = chat(server, QUESTION, tools=[WEATHER], max_tokens=60)
    for call in answer.choices[0].message.tool_calls or []:
        json.loads(call.function.arguments)
    none = chat(server, tools=[WEATHER], tool_choice="none")
    assert none.choices[0].message.content == chat(server).choices[0].message.content


def results_of_calls(server):
    call = {"id": "call_1", "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Paris", "unit": "celsius"}'}}
    talk = QUESTION + [{"role": "assistant", "content": None, "tool_calls": [call]},
                       {"role": "tool", "tool_call_id": "call_1", "content": "17 degrees, cloudy"}]
    answer = chat(server, talk, tools=[WEATHER], max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.usage.prompt_tokens > chat(server, QUESTION, tools=[WEATHER], max_tokens=1).usage.prompt_tokens + 15


def bad_tools(server):
    def tool(**changes):
        return {"type": "function", "function": {**WEATHER["function"], **changes}}
    required = {"tool_choice": "required"}
    for options, param in [
        ({"tools": {}}, "tools"), ({"tools": [1]}, "tools[0]"), ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"), ({"tools": [tool(name="a b")]}, "tools[0].function.name"),
        ({"tools": [tool(parameters=3)]}, "tools[0].function.parameters"),
        ({"tools": [TIME, TIME]}, "tools[1].function.name"), (required, "tool_choice"),
        ({"tools": [TIME], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [TIME], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice.function.name"),
        ({"tools": [tool(parameters={"type": "strange"})], **required}, "tools"),
        ({"extra_body": {"functions": [TIME["function"]]}}, "functions"),
    ]:
        error = refused(openai.BadRequestError, lambda: chat(server, **options))
        assert error.param == param, (options, error.body)
    for message, param in [
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"), ({"role": "judge", "content": "x"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"), ({"role": "user", "content": 3}, "messages[0].content"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, "messages[0].content[0].type"),
        ({"role": "assistant", "tool_calls": [{"function": {}}]}, "messages[0].tool_calls[0].function.name"),
    ]:
        error = refused(openai.BadRequestError, lambda: chat(server, [message]))
        assert error.param == param, (message, error.body)


CHECKS = [
    json_object, json_schema, other_formats, bad_formats, forced_calls, streamed_calls, free_choice, results_of_calls,
    bad_tools,
]
