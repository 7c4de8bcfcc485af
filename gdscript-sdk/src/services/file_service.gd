@tool
class_name BosBaseFileService
extends BosBaseService
## The files of records.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")


## Where a file of a record is; [code]""[/code] without a record or a name. Options:
## [code]token[/code], [code]thumb[/code], [code]download[/code].
func get_url(p_record: Dictionary, p_filename: String, p_options: Dictionary = {}) -> String:
	var path: String = _path(p_record, p_filename)
	if path.is_empty():
		return ""
	var query: Dictionary = p_options.duplicate()
	if not query.get("download", true):
		query.erase("download")
	return _transport.build_url(path, query)


## Downloads a file of a record to [param p_path], of any size. The file is there when it is whole,
## and not before; answers [code]true[/code]. Where that fails, one that was there stays. A
## connection that is lost on the way is taken up again where it broke. Options: [code]token[/code]
## for a protected file, as [method get_token] answers it, or [code]true[/code] to have one asked
## for; [code]thumb[/code].
func download(
	p_record: Dictionary, p_filename: String, p_path: String, p_options: Dictionary = {}
) -> Variant:
	var path: String = _path(p_record, p_filename)
	if path.is_empty():
		var why: String = "A file is needed: a record with id and collectionId, and its file's name."
		return ClientResponseError.new("", 0, {}, false, why)
	if p_options.get("token") is ClientResponseError:
		return p_options["token"]
	var transfer: BosBaseDownload = BosBaseDownload.new(_transport, p_path)
	return await transfer.run(path, p_options, self)


## A token for URLs, good for a few minutes: a [String], or an error.
func get_token(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("POST", "/api/files/token", p_options)
	if result is ClientResponseError:
		return result
	var token: Variant = BosBaseValue.dictionary(result).get("token")
	return token if token is String else _no_answer("/api/files/token", "a token")


static func _path(p_record: Dictionary, p_filename: String) -> String:
	var id: String = str(p_record.get("id", ""))
	var collection: String = str(p_record.get("collectionId", p_record.get("collectionName", "")))
	if id.is_empty() or collection.is_empty() or p_filename.is_empty():
		return ""
	var parts: Array = [collection.uri_encode(), id.uri_encode(), p_filename.uri_encode()]
	return "/api/files/%s/%s/%s" % parts
