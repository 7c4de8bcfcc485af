@tool
class_name BosBaseLogService
extends BosBaseService
## What the server wrote down. For superusers only.

const _PATH: String = "/api/logs"


## One page: [code]{page, perPage, totalItems, totalPages, items}[/code].
func get_list(p_page: int = 1, p_per_page: int = 30, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = {"page": p_page, "perPage": p_per_page}.merged(p_options, true)
	var result: Variant = await _send("GET", _PATH, options)
	_whole(result, ["page", "perPage", "totalItems", "totalPages"])
	return result


## One line.
func get_one(p_id: String, p_options: Dictionary = {}) -> Variant:
	return await _send("GET", _PATH + "/" + p_id.uri_encode(), p_options)


## How many lines there are by hour: [code][{date, total}][/code].
func get_stats(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send_for_list(_PATH + "/stats", p_options)
	if result is Array:
		for hour: Variant in BosBaseValue.array(result):
			_whole(hour, ["total"])
	return result
