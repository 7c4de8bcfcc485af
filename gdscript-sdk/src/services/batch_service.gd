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
	var options: Dictionary = BosBaseTransport.sorted_out(p_options)
	var request: Dictionary = {"method": p_method, "url": p_path}
	var headers: Dictionary = options["headers"]
	if not headers.is_empty():
		request["headers"] = headers
	var query: String = BosBaseAddress.query(BosBaseValue.dictionary(options["query"]))
	if not query.is_empty():
		request["url"] = p_path + "?" + query
	if p_body is Dictionary:
		var values: Dictionary = {}
		for field: Variant in BosBaseValue.dictionary(p_body):
			var files: Array[Array] = []
			var rest: Variant = BosBaseTransport.take_files(files, str(field), p_body[field])
			if not files.is_empty():
				_files["requests.%d.%s" % [_requests.size(), field]] = files.map(
					func(each: Array) -> BosBaseFile: return each[1]
				)
			if rest != null or p_body[field] == null:
				values[field] = rest
		request["body"] = values
	_requests.append(request)
