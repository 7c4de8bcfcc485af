@tool
class_name BosBaseFilter
extends RefCounted
## Values put into filter expressions so that they stay values.


## [param p_expression] with each [code]{:name}[/code] replaced by the value of that name, quoted
## and escaped.
##
## Texts keep their quotes and backslashes. [code]null[/code], numbers and booleans are written as
## they are, a [Dictionary] of date and time (as [Time] makes them) as a date, all else as JSON
## text. What a value holds is never taken for another placeholder.
static func fill(p_expression: String, p_params: Dictionary = {}) -> String:
	var filled: String = ""
	var rest: int = 0
	while true:
		var begin: int = p_expression.find("{:", rest)
		var end: int = p_expression.find("}", begin) if begin >= 0 else -1
		if end < 0:
			break
		var name: String = p_expression.substr(begin + 2, end - begin - 2)
		filled += p_expression.substr(rest, begin - rest)
		if p_params.has(name):
			filled += literal(p_params[name])
		else:
			filled += p_expression.substr(begin, end - begin + 1)
		rest = end + 1
	return filled + p_expression.substr(rest)


## [param p_value] as it is written in a filter.
static func literal(p_value: Variant) -> String:
	match typeof(p_value):
		TYPE_NIL:
			return "null"
		TYPE_BOOL:
			return "true" if p_value else "false"
		TYPE_INT:
			return str(p_value)
		TYPE_FLOAT:
			return _number(BosBaseValue.number(p_value))
		TYPE_STRING, TYPE_STRING_NAME:
			return quoted(str(p_value))
		TYPE_DICTIONARY:
			var told: Dictionary = p_value
			if told.has_all(["year", "month", "day", "hour", "minute", "second"]):
				return quoted(Time.get_datetime_string_from_datetime_dict(told, true) + ".000Z")
	return quoted(JSON.stringify(p_value))


## [param p_text] in single quotes, with what would end them escaped.
static func quoted(p_text: String) -> String:
	return "'%s'" % p_text.replace("\\", "\\\\").replace("'", "\\'")


static func _number(p_value: float) -> String:
	if not is_finite(p_value):
		return "null"
	if p_value == floorf(p_value) and absf(p_value) < 1e15:
		return str(int(p_value))
	# As few digits as are still this number; exponents are not understood in filters.
	for digits: int in [6, 15, 16, 17, 20, 24, 28]:
		if String.num(p_value, digits).to_float() == p_value:
			return String.num(p_value, digits)
	return String.num(p_value, 32)
