@tool
class_name BosBaseEventParser
extends RefCounted
## Takes a stream of server-sent events apart (WHATWG HTML, 9.2).

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## The longest event that is taken, in bytes.
const LONGEST: int = 64 * 1024 * 1024

## Whether the server says something also where nothing happens.
var is_kept_alive: bool
## Why no more can be taken; [code]""[/code] while all is well.
var problem: String

var _size: int
var _rest: PackedByteArray
var _searched: int
var _event: String
var _data: PackedStringArray = []
var _id: String


## The events that are complete with [param p_bytes]: [code]{event, data, id}[/code].
func feed(p_bytes: PackedByteArray) -> Array[Dictionary]:
	var events: Array[Dictionary] = []
	_rest.append_array(p_bytes)
	var begin: int = 0
	while true:
		var end: int = _rest.find(10, maxi(begin, _searched))
		if end < 0:
			break
		# Lines are decoded whole: a character may be spread over two chunks.
		_line(_rest.slice(begin, end).get_string_from_utf8().trim_suffix("\r"), events)
		begin = end + 1
	_rest = _rest.slice(begin) if begin > 0 else _rest
	_searched = _rest.size()
	if _size + _rest.size() > LONGEST:
		problem = "The server sends an event that is too long."
		_rest.clear()
		_data.clear()
	return events


func _line(p_line: String, p_events: Array[Dictionary]) -> void:
	if p_line.is_empty():
		if not _data.is_empty():
			var name: String = _event if not _event.is_empty() else "message"
			p_events.append({"event": name, "data": "\n".join(_data), "id": _id})
		_event = ""
		_data.clear()
		_size = 0
		return
	var colon: int = p_line.find(":")
	is_kept_alive = is_kept_alive or colon == 0
	var field: String = p_line if colon < 0 else p_line.substr(0, colon)
	var value: String = "" if colon < 0 else p_line.substr(colon + 1).trim_prefix(" ")
	match field:
		"event":
			_event = value
		"data":
			_data.append(value)
			_size += value.length()
		"id":
			_id = value
