@tool
class_name BosBaseCollectionService
extends BosBaseCrudService
## Collections: what kinds of records there are. For superusers only.


## Makes or changes all of [param p_collections], or none. With [param p_delete_missing] [b]every
## collection and field that is not named is deleted[/b].
func import_collections(
	p_collections: Array, p_delete_missing: bool = false, p_options: Dictionary = {}
) -> Variant:
	var body: Dictionary = {"collections": p_collections, "deleteMissing": p_delete_missing}
	return await _do("PUT", _crud_path() + "/import", p_options, body)


## What a new collection of each type starts with.
func get_scaffolds(p_options: Dictionary = {}) -> Variant:
	return await _send("GET", _crud_path() + "/meta/scaffolds", p_options)


## Deletes all records of a collection.
func truncate(p_id_or_name: String, p_options: Dictionary = {}) -> Variant:
	return await _do("DELETE", _item_path(p_id_or_name) + "/truncate", p_options)


func _crud_path() -> String:
	return "/api/collections"
