"""Which values of events a trigger has to search for, wherever its declaration has parameters."""

from deciding_helpers import a_parameter

from sensors.languages.gjson import MAX_PATH_CHARACTERS, compile_path
from sensors.parameters.searched import search, searched_by

QUERY, COUNT = compile_path('#(name=="a").n'), compile_path("items.#")


def src(key: str, dependency: str = "push") -> dict[str, object]:
    return {"src": {"dependencyName": dependency, "dataKey": key}, "dest": "x"}


def test_queries_are_found_by_dependency_wherever_parameters_stand_and_plain_paths_are_none() -> None:
    template = {
        "name": "call",
        "http": {"payload": [src(QUERY.text), src("plain.path"), src(QUERY.text)], "headers": [{"src": None}]},
        "parameters": [src(COUNT.text, "tag"), {"src": {"contextKey": "id"}}, {"src": "no source"}],
    }
    head = [a_parameter(dataKey=COUNT.text), a_parameter(contextKey="type")]
    assert searched_by(template, head) == {"push": (QUERY,), "tag": (COUNT,), "dep": (COUNT,)}
    assert searched_by({"log": {}}) == {}
    assert searched_by({"parameters": [src("#" * (MAX_PATH_CHARACTERS + 1))]}) == {}


def test_what_is_found_is_what_the_path_finds_and_what_is_no_json_has_nothing() -> None:
    data = b'[{"name": "b", "n": 1}, {"name": "a", "n": 2}]'
    assert search(data, (QUERY,))[QUERY].text == "2"
    assert not search(b"no json", (QUERY,))[QUERY].exists
