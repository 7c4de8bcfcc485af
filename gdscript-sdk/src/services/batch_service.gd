@tool
class_name BosBaseBatchService
extends BosBaseService
## Several changes in one request: all of them happen, or none.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

var _requests: Array[Dictionary] = []
var _files: Dictionary = {}


## Changes of one collection's records.
func collection(p_id_or_name: String) -> BosBaseBatchCollection:
	return BosBaseBatchCollection.new(self, p_id_or_name)


## Sends them: an [Array] of [code]{status, body}[/code], or an error.
func send(p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = p_options.duplicate()
	if not _files.is_empty():
		options["files"] = _files
	var result: Variant = await _send("POST", "/api/batch", options, {"requests": _requests})
	if result is Array:
		for each: Variant in BosBaseValue.array(result):
			_whole(each, ["status"])
	return result


## Adds one request. Used by [BosBaseBatchCollection].
func add(p_method: String, p_path: String, p_body: Variant, p_options: Dictionary) -> void:
	var options: Dictionary = p_options.duplicate()
	var request: Dictionary = {"method": p_method, "url": p_path}
	if options.has("headers"):
		request["headers"] = options["headers"]
		options.erase("headers")
	var query: String = BosBaseAddress.query(options)
	if not query.is_empty():
		request["url"] = p_path + "?" + query
	if p_body is Dictionary:
		var values: Dictionary = {}
		for field: Variant in BosBaseValue.dictionary(p_body):
			var value: Variant = p_body[field]
			if _is_file(value):
				_files["requests.%d.%s" % [_requests.size(), field]] = value
			else:
				values[field] = value
		request["body"] = values
	_requests.append(request)


static func _is_file(p_value: Variant) -> bool:
	if p_value is Array:
		var list: Array = p_value
		return not list.is_empty() and list.all(_is_file)
	return p_value is BosBaseFile
