@tool
class_name BosBaseValue
extends RefCounted
## What came from outside, taken for what it should be; something empty where it is something else.


## A dictionary, or an empty one.
static func dictionary(p_value: Variant) -> Dictionary:
	return p_value if p_value is Dictionary else {}


## An array, or an empty one.
static func array(p_value: Variant) -> Array:
	return p_value if p_value is Array else []


## A text, or [code]""[/code].
static func text(p_value: Variant) -> String:
	return p_value if p_value is String else ""


## Bytes, or none.
static func bytes(p_value: Variant) -> PackedByteArray:
	return p_value if p_value is PackedByteArray else PackedByteArray()


## A number, or 0.
static func number(p_value: Variant) -> float:
	return p_value if p_value is float or p_value is int else 0.0


## A [Callable], or one that is not valid.
static func callable(p_value: Variant) -> Callable:
	return p_value if p_value is Callable else Callable()


## What can be changed without changing [param p_value].
static func copy(p_value: Variant) -> Variant:
	if p_value is Dictionary:
		return dictionary(p_value).duplicate(true)
	return array(p_value).duplicate(true) if p_value is Array else p_value
