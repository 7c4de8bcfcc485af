@tool
class_name ClientResponseError
extends RefCounted
## What a call answers with when it did not work.
##
## Check for it with [code]if result is ClientResponseError[/code]. A server that said no, a server
## that could not be reached, a request that took too long, one that was cancelled and an answer
## that is no JSON all come as this; never as [code]null[/code].

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

# So many characters of what is said of a field are shown. A server may quote what it was sent.
const _MOST_SHOWN: int = 300
const _FILE_HELP: String = "Give a file as BosBaseFile.from_bytes(name, bytes) or from_path(path)."

## Where the request went, without tokens.
var url: String
## The HTTP status; 0 when there was no answer at all.
var status: int
## The server's answer: [code]{status, message, data}[/code]. Empty when there was none.
var response: Dictionary
## Whether the request was cancelled, by its key or by another request with the same key.
var is_abort: bool
## What happened in one sentence: the server's own words where it said any.
var message: String
## Why there was no answer; [code]""[/code] when there was one.
var original_error: String
## Seconds after which the server wants to be asked again, as it says with 429 and 503; 0 where it
## said nothing of it.
var retry_after: int

## What the server said is wrong, by field: [code]{"name": {"code": …, "message": …}}[/code].
var data: Dictionary:
	get:
		var found: Variant = response.get("data")
		return found if found is Dictionary else {}


func _init(
	p_url: String = "",
	p_status: int = 0,
	p_response: Dictionary = {},
	p_is_abort: bool = false,
	p_original_error: String = ""
) -> void:
	url = BosBaseAddress.without_secrets(p_url)
	status = p_status
	response = p_response
	is_abort = p_is_abort
	original_error = p_original_error
	var said: Variant = p_response.get("message")
	if said is String and not BosBaseValue.text(said).is_empty():
		message = said
	elif not p_original_error.is_empty():
		message = p_original_error
	elif p_is_abort:
		message = "The request was cancelled."
	elif p_response.has("mfaId"):
		message = "A second way of logging in is needed (MFA)."
	else:
		message = "Something went wrong (HTTP status %d)." % p_status


## What [method Object.to_string] and [code]str()[/code] give: status, message and what is wrong by
## field, of which very long texts are cut. [member data] has them whole.
func _to_string() -> String:
	var text: String = "ClientResponseError %d: %s" % [status, message]
	for line: String in _field_lines(data, ""):
		text += " " + line
	return text


static func _field_lines(p_data: Dictionary, p_prefix: String) -> PackedStringArray:
	var lines: PackedStringArray = PackedStringArray()
	for field: Variant in p_data:
		var path: String = "%s%s" % [p_prefix, field]
		var problem: Variant = p_data[field]
		if not problem is Dictionary:
			continue
		var told: Dictionary = problem
		var words: Variant = told.get("message")
		if words is String:
			lines.append("%s: %s" % [path, _shortened(BosBaseValue.text(words))])
			if told.get("code") == "validation_invalid_file":
				lines.append(_FILE_HELP)
		else:
			lines.append_array(_field_lines(BosBaseValue.dictionary(problem), path + "."))
	return lines


static func _shortened(p_words: String) -> String:
	return p_words if p_words.length() <= _MOST_SHOWN else p_words.left(_MOST_SHOWN) + "…"
