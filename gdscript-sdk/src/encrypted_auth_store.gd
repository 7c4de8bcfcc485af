@tool
class_name BosBaseEncryptedAuthStore
extends BosBaseAuthStore
## Keeps who is logged in across starts, in one file encrypted with a pass phrase.
##
## The phrase is what protects it: one that is written in the game's code protects from nobody who
## has the game, and without one nothing is read or written: [constant ERR_UNCONFIGURED].[br]
## Where the file can't be written or removed, whoever logged in (or out) is so until the program
## ends; that it will be otherwise at the next start is said by [signal failed], by [member
## last_error], and as an error in Godot's output.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## The file could not be written, or not be removed: who is logged in is not what the next start
## will read.
signal failed(error: Error)

const _BESIDE: String = ".new"

## Why the file could not be read or written the last time; [constant OK] when it could.
var last_error: Error = OK

var _path: String
var _pass_phrase: String


## Reads [param p_path] when it is there. A file that can't be decrypted counts as nobody logged in.
func _init(p_path: String, p_pass_phrase: String) -> void:
	_path = p_path
	_pass_phrase = p_pass_phrase
	if _pass_phrase.is_empty():
		last_error = ERR_UNCONFIGURED
		push_error("The login in %s cannot be kept without a pass phrase." % _path)
		return
	if not FileAccess.file_exists(_path):
		return
	var text: String = _read(_path)
	if last_error != OK:
		return
	var parser: JSON = JSON.new()
	last_error = parser.parse(text)
	if last_error == OK and parser.data is Dictionary:
		var kept: Dictionary = parser.data
		token = str(kept.get("token", ""))
		var kept_record: Variant = kept.get("record")
		record = kept_record if kept_record is Dictionary else {}


## Remembers a token and its record, also in the file.
func save(p_token: String, p_record: Dictionary = {}) -> void:
	_kept(_write(JSON.stringify({"token": p_token, "record": p_record})), "written")
	super.save(p_token, p_record)


## Forgets both, and removes the file.
func clear() -> void:
	var removed: Error = OK
	for path: String in [_path, _path + _BESIDE]:
		if FileAccess.file_exists(path):
			var problem: Error = DirAccess.remove_absolute(path)
			removed = problem if problem != OK else removed
	_kept(removed, "removed")
	super.clear()


func _kept(p_failed: Error, p_what: String) -> void:
	last_error = p_failed
	if p_failed == OK:
		return
	push_error("The login in %s could not be %s: %s." % [_path, p_what, error_string(p_failed)])
	failed.emit(p_failed)


func _read(p_path: String) -> String:
	var file: FileAccess = FileAccess.open_encrypted_with_pass(
		p_path, FileAccess.READ, _pass_phrase
	)
	if file == null:
		last_error = FileAccess.get_open_error()
		return ""
	return file.get_as_text()


func _write(p_text: String) -> Error:
	if _pass_phrase.is_empty():
		return ERR_UNCONFIGURED
	var beside: String = _path + _BESIDE
	var file: FileAccess = FileAccess.open_encrypted_with_pass(
		beside, FileAccess.WRITE, _pass_phrase
	)
	if file == null:
		return FileAccess.get_open_error()
	# Nobody else of this machine is to try phrases on it. Windows keeps users' folders apart itself.
	FileAccess.set_unix_permissions(
		beside, FileAccess.UNIX_READ_OWNER | FileAccess.UNIX_WRITE_OWNER
	)
	file.store_string(p_text)
	file.close()
	# It is encrypted and written only now, and nobody says how that went.
	var wrong: Error = OK
	if _read(beside) != p_text:
		wrong = ERR_FILE_CANT_WRITE
	else:
		wrong = DirAccess.rename_absolute(beside, _path)
	if wrong != OK:
		DirAccess.remove_absolute(beside)
	return wrong
