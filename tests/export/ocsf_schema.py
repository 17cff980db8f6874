"""The rules of the OCSF schema, as far as one event of a class must obey them, read from the schema's own files.

Classes and objects are put together from what they extend and from the dictionary. Checked: attributes known and not
deprecated, those required there, their types (with the pattern of the type), values of enumerations, the text beside
each `…_id`, `at_least_one` and `just_one`, and how `class_uid`, `category_uid` and `type_uid` follow from one another.
Profiles are not: an event that uses one has unknown attributes.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Schema:
    """The schema in a folder of its repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dictionary = self._read("dictionary.json")
        self.categories = self._read("categories.json")["attributes"]

    def _read(self, name: str) -> Json:
        found: Json = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return found

    @cached_property
    def _classes(self) -> dict[str, Json]:
        files = [*self.folder.glob("events/*.json"), *self.folder.glob("events/*/*.json")]
        read = [json.loads(path.read_text(encoding="utf-8")) for path in files]
        return {one["name"]: one for one in read if "name" in one}

    @cached_property
    def _objects(self) -> dict[str, Json]:
        read = [json.loads(path.read_text(encoding="utf-8")) for path in self.folder.glob("objects/*.json")]
        return {one["name"]: one for one in read if "name" in one}

    def errors(self, event: Json) -> list[str]:
        """What is wrong with an event."""
        for one in self._classes.values():
            whole = self._whole(one, self._classes)
            category = self.categories.get(whole.get("category"))
            if category and "uid" in one and event.get("class_uid") == category["uid"] * 1000 + one["uid"]:
                wrong = self._object(event, _as_class(whole, event["class_uid"], category), "event")
                follows = event.get("type_uid") == event["class_uid"] * 100 + event.get("activity_id", 0)
                return wrong if follows else [*wrong, "event.type_uid does not follow from the activity"]
        return ["event is of no class"]

    def _whole(self, one: Json, among: dict[str, Json]) -> Json:
        """A class or object with all that it extends."""
        if "extends" not in one:
            return {**one, "attributes": _own(one)}
        base = self._whole(among[one["extends"]], among)
        attributes = dict(base["attributes"])
        for name, says in _own(one).items():
            attributes[name] = _over(attributes.get(name, {}), says)
        return {**base, **one, "attributes": attributes}

    def _object(self, value: Json, shape: Json, at: str) -> list[str]:
        attributes = {name: self._attribute(name, says) for name, says in shape["attributes"].items()}
        out = [f"{at}.{name} is unknown" for name in value if name not in attributes]
        out += [
            f"{at}.{name} is missing"
            for name, says in attributes.items()
            if says.get("requirement") == "required" and name not in value
        ]
        limits = shape.get("constraints") or {}
        if "at_least_one" in limits and not set(limits["at_least_one"]) & set(value):
            out.append(f"{at} has none of {limits['at_least_one']}")
        if "just_one" in limits and len(set(limits["just_one"]) & set(value)) != 1:
            out.append(f"{at} has not just one of {limits['just_one']}")
        for name, item in value.items():
            if name in attributes:
                out += self._value(item, attributes[name], f"{at}.{name}")
                out += _beside(value, name, attributes[name], f"{at}.{name}")
        return out

    def _attribute(self, name: str, says: Json) -> Json:
        return _over(self.dictionary["attributes"].get(name, {}), says)

    def _value(self, value: Any, says: Json, at: str) -> list[str]:
        out = [f"{at} is deprecated"] if "@deprecated" in says else []
        if says.get("is_array"):
            if not isinstance(value, list):
                return [*out, f"{at} is no list"]
            return out + [
                error for number, item in enumerate(value) for error in self._one(item, says, f"{at}[{number}]")
            ]
        return out + self._one(value, says, at)

    def _one(self, value: Any, says: Json, at: str) -> list[str]:
        kind = says["type"]
        if kind == "object" or kind in self._objects:
            name = str(says.get("object_type", kind))
            if not isinstance(value, dict):
                return [f"{at} is no object"]
            return [] if name == "object" else self._object(value, self._whole(self._objects[name], self._objects), at)
        return self._scalar(value, kind, says, at)

    def _scalar(self, value: Any, kind: str, says: Json, at: str) -> list[str]:
        rules = self.dictionary["types"]["attributes"].get(kind, {})
        base = rules.get("type", kind)
        expected = {"string_t": str, "integer_t": int, "long_t": int, "boolean_t": bool, "float_t": float}.get(base)
        if expected is not None and type(value) is not expected:
            return [f"{at} is no {base}"]
        if kind == "integer_t" and not -(2**31) <= value < 2**31:
            return [f"{at} does not fit"]
        if "regex" in rules and not re.search(rules["regex"], value):
            return [f"{at} is not written as a {kind}"]
        if says.get("enum") and str(value) not in says["enum"]:
            return [f"{at} is none of {list(says['enum'])}"]
        return []


def _as_class(whole: Json, class_uid: int, category: Json) -> Json:
    """A class whose own numbers are the only ones that its events may bear."""
    fixed = {
        "class_uid": {class_uid: whole["caption"]},
        "category_uid": {category["uid"]: category["caption"]},
        "type_uid": {
            class_uid * 100 + int(number): f"{whole['caption']}: {says['caption']}"
            for number, says in whole["attributes"]["activity_id"]["enum"].items()
        },
    }
    attributes = dict(whole["attributes"])
    for name, values in fixed.items():
        attributes[name] = {**attributes[name], "enum": {str(uid): {"caption": text} for uid, text in values.items()}}
    return {**whole, "attributes": attributes}


def _own(one: Json) -> dict[str, Json]:
    """Attributes that a class or object has without any profile."""
    return {
        name: says
        for name, says in one.get("attributes", {}).items()
        if isinstance(says, dict) and name != "$include" and not says.get("profile")
    }


def _over(under: Json, over: Json) -> Json:
    """What is said later adds to an enumeration, and replaces all else."""
    both = {**under, **over}
    if "enum" in under and "enum" in over:
        both["enum"] = {**under["enum"], **over["enum"]}
    return both


def _beside(value: Json, name: str, says: Json, at: str) -> list[str]:
    """The text beside an enumerated value is its caption; beside 99 (`Other`) it is the source's own."""
    sibling = says.get("sibling")
    if not sibling or sibling not in value or str(value[name]) in ("99", ""):
        return []
    caption = says.get("enum", {}).get(str(value[name]), {}).get("caption")
    return [] if caption is None or value[sibling] == caption else [f"{at}: beside it stands {value[sibling]!r}"]
