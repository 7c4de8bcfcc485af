@tool
class_name BosBaseBatchCollection
extends RefCounted
## Changes of one collection's records, to be sent with others by [BosBaseBatchService].

var _batch: BosBaseBatchService
var _path: String


func _init(p_batch: BosBaseBatchService, p_id_or_name: String) -> void:
	_batch = p_batch
	_path = "/api/collections/%s/records" % p_id_or_name.uri_encode()


## Changes the record whose [code]id[/code] is in [param p_body], or makes it.
func upsert(p_body: Dictionary = {}, p_options: Dictionary = {}) -> void:
	_batch.add("PUT", _path, p_body, p_options)


## Makes a record.
func create(p_body: Dictionary = {}, p_options: Dictionary = {}) -> void:
	_batch.add("POST", _path, p_body, p_options)


## Changes a record.
func update(p_id: String, p_body: Dictionary = {}, p_options: Dictionary = {}) -> void:
	_batch.add("PATCH", _path + "/" + p_id.uri_encode(), p_body, p_options)


## Deletes a record.
func delete(p_id: String, p_options: Dictionary = {}) -> void:
	_batch.add("DELETE", _path + "/" + p_id.uri_encode(), null, p_options)
