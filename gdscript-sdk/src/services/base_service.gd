@tool
class_name BosBaseService
extends RefCounted
## What all services have in common. Options of every call:[br]
## [code]query[/code]: parameters of the URL; whatever is none of the others counts as one, so that
## [code]{"fields": "id"}[/code] is enough.[br]
## [code]headers[/code], [code]body[/code], [code]files[/code]: added to the request.[br]
## [code]timeout[/code]: seconds without a byte in either direction, instead of [member
## BosBase.timeout].[br]
## [code]request_key[/code]: cancels the pending request with the same key, and this one can be
## cancelled by it.[br]
## [code]on_progress[/code]: a [code]func(done: int, total: int)[/code] for bodies of some size.

var _transport: BosBaseTransport


func _init(p_transport: BosBaseTransport) -> void:
	_transport = p_transport


# Data or an error.
func _send(
	p_method: String, p_path: String, p_options: Dictionary, p_body: Variant = null
) -> Variant:
	var options: Dictionary = p_options.duplicate()
	options["method"] = p_method
	if p_body != null:
		options["body"] = p_body
		var more: Variant = p_options.get("body")
		if p_body is Dictionary and more is Dictionary:
			options["body"] = BosBaseValue.dictionary(p_body).merged(
				BosBaseValue.dictionary(more), true
			)
	return await _transport.send(p_path, options, self)


# True, or an error: for what answers nothing.
func _do(
	p_method: String, p_path: String, p_options: Dictionary, p_body: Variant = null
) -> Variant:
	var result: Variant = await _send(p_method, p_path, p_options, p_body)
	return result if result is ClientResponseError else true


# Where an answer is not what was asked for, as another server's.
func _no_answer(p_path: String, p_wanted: String) -> ClientResponseError:
	var why: String = "The server's answer is not %s." % p_wanted
	return ClientResponseError.new(_transport.build_url(p_path), 200, {}, false, why)


# Data that is a list, or an error.
func _send_for_list(p_path: String, p_options: Dictionary) -> Variant:
	var result: Variant = await _send("GET", p_path, p_options)
	if result is Array or result is ClientResponseError:
		return result
	return _no_answer(p_path, "a list")


# JSON knows one kind of numbers, which Godot reads as float: makes those whole that always are.
static func _whole(p_from: Variant, p_names: PackedStringArray) -> void:
	if p_from is Dictionary:
		var told: Dictionary = p_from
		for name: String in p_names:
			if told.get(name) is float:
				told[name] = int(BosBaseValue.number(told[name]))
