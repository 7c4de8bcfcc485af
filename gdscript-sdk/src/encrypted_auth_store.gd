@tool
class_name BosBaseEncryptedAuthStore
extends BosBaseAuthStore
## Keeps who is logged in across starts, in one file encrypted with a pass phrase.
##
## The phrase is what protects it: one that is written in the game's code protects from nobody who
## has the game.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## Why the file could not be read or written the last time; [constant OK] when it could.
var last_error: Error = OK

var _path: String
var _pass_phrase: String


## Reads [param p_path] when it is there. A file that can't be decrypted counts as nobody logged in.
func _init(p_path: String, p_pass_phrase: String) -> void:
	_path = p_path
	_pass_phrase = p_pass_phrase
	if not FileAccess.file_exists(_path):
		return
	var file: FileAccess = FileAccess.open_encrypted_with_pass(_path, FileAccess.READ, _pass_phrase)
	if file == null:
		last_error = FileAccess.get_open_error()
		return
	var parser: JSON = JSON.new()
	last_error = parser.parse(file.get_as_text())
	if last_error == OK and parser.data is Dictionary:
		var kept: Dictionary = parser.data
		token = str(kept.get("token", ""))
		var kept_record: Variant = kept.get("record")
		record = kept_record if kept_record is Dictionary else {}


func save(p_token: String, p_record: Dictionary = {}) -> void:
	last_error = _write(JSON.stringify({"token": p_token, "record": p_record}))
	super.save(p_token, p_record)


func clear() -> void:
	last_error = OK
	if FileAccess.file_exists(_path):
		last_error = DirAccess.remove_absolute(_path)
	super.clear()


func _write(p_text: String) -> Error:
	var beside: String = _path + ".new"
	var file: FileAccess = FileAccess.open_encrypted_with_pass(
		beside, FileAccess.WRITE, _pass_phrase
	)
	if file == null:
		return FileAccess.get_open_error()
	file.store_string(p_text)
	var failed: Error = file.get_error()
	file.close()
	return failed if failed != OK else DirAccess.rename_absolute(beside, _path)
