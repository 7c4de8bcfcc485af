@tool
class_name BosBaseCrudService
extends BosBaseService
## Lists, reads, creates, changes and deletes things of one kind.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

const _TOTALS: PackedStringArray = ["page", "perPage", "totalItems", "totalPages"]


## One page: [code]{page, perPage, totalItems, totalPages, items}[/code]. Options:
## [code]filter[/code], [code]sort[/code], [code]expand[/code], [code]fields[/code],
## [code]skipTotal[/code].
func get_list(p_page: int = 1, p_per_page: int = 30, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = {"page": p_page, "perPage": p_per_page}.merged(p_options, true)
	var result: Variant = await _send("GET", _crud_path(), options)
	_whole(result, _TOTALS)
	return result


## All of them, an [Array], fetched in pages of [code]options.batch[/code] (1,000).
func get_full_list(p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = p_options.duplicate()
	var batch: int = clampi(int(str(options.get("batch", 1000))), 1, 1000)
	options.erase("batch")
	options["skipTotal"] = true
	var items: Array = []
	var page: int = 1
	while true:
		var result: Variant = await get_list(page, batch, options)
		if result is ClientResponseError:
			return result
		var found: Variant = BosBaseValue.dictionary(result).get("items")
		if not found is Array:
			return _no_answer(_crud_path(), "a list")
		items.append_array(BosBaseValue.array(found))
		if BosBaseValue.array(found).size() < batch:
			break
		page += 1
	return items


## The first that passes [param p_filter]; an error with status 404 when none does.
func get_first_list_item(p_filter: String, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = p_options.merged({"filter": p_filter, "skipTotal": true}, true)
	var result: Variant = await get_list(1, 1, options)
	if result is ClientResponseError:
		return result
	var items: Array = BosBaseValue.array(BosBaseValue.dictionary(result).get("items"))
	return items[0] if not items.is_empty() else _not_found()


## The one with this id.
func get_one(p_id: String, p_options: Dictionary = {}) -> Variant:
	if p_id.is_empty():
		return _not_found()
	return await _send("GET", _item_path(p_id), p_options)


## Makes one. Values may be a [BosBaseFile] or a list of them; [code]options.files[/code] takes
## files too, as [code]{field: {filename, data}}[/code].
func create(p_body: Dictionary = {}, p_options: Dictionary = {}) -> Variant:
	return await _send("POST", _crud_path(), p_options, p_body)


## Changes what is named and leaves the rest.
func update(p_id: String, p_body: Dictionary = {}, p_options: Dictionary = {}) -> Variant:
	return await _send("PATCH", _item_path(p_id), p_options, p_body)


## Deletes one; answers [code]true[/code].
func delete(p_id: String, p_options: Dictionary = {}) -> Variant:
	return await _do("DELETE", _item_path(p_id), p_options)


func _crud_path() -> String:
	return ""


func _item_path(p_id: String) -> String:
	return _crud_path() + "/" + p_id.uri_encode()


func _not_found() -> ClientResponseError:
	var said: Dictionary = {
		"status": 404, "message": "The requested resource wasn't found.", "data": {}
	}
	return ClientResponseError.new(_transport.build_url(_crud_path()), 404, said)
