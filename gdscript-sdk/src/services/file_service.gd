@tool
class_name BosBaseFileService
extends BosBaseService
## The files of records.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")


## Where a file of a record is; [code]""[/code] without a record or a name. Options:
## [code]token[/code], [code]thumb[/code], [code]download[/code].
func get_url(p_record: Dictionary, p_filename: String, p_options: Dictionary = {}) -> String:
	var id: String = str(p_record.get("id", ""))
	var collection: String = str(p_record.get("collectionId", p_record.get("collectionName", "")))
	if id.is_empty() or collection.is_empty() or p_filename.is_empty():
		return ""
	var query: Dictionary = p_options.duplicate()
	if not query.get("download", true):
		query.erase("download")
	var path: String = "/api/files/%s/%s/%s"
	return _transport.build_url(
		path % [collection.uri_encode(), id.uri_encode(), p_filename.uri_encode()], query
	)


## A token for URLs, good for a few minutes: a [String], or an error.
func get_token(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("POST", "/api/files/token", p_options)
	if result is ClientResponseError:
		return result
	var token: Variant = BosBaseValue.dictionary(result).get("token")
	return token if token is String else _no_answer("/api/files/token", "a token")
