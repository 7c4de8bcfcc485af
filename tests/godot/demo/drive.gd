extends SceneTree
## Uses the demo as somebody in front of it would: `-- URL [SCREENSHOT]`.

var _main: Control


func _initialize() -> void:
	_run()


func _run() -> void:
	var arguments := OS.get_cmdline_user_args()
	_main = (load("res://main.tscn") as PackedScene).instantiate()
	root.add_child(_main)
	await process_frame
	(_main.get_node("%Address") as LineEdit).text = arguments[0]
	(_main.get_node("%Email") as LineEdit).text = "root@example.com"
	(_main.get_node("%Password") as LineEdit).text = "wrong"
	await _main.log_in()
	_check("Failed to authenticate" in _said(), "a wrong password")
	(_main.get_node("%Password") as LineEdit).text = "correct-horse-1"
	await _main.log_in()
	_check("Logged in" in _said(), "login")
	for key: String in ["before_the_patch.zip", "friday.zip"]:
		(_main.get_node("%NewName") as LineEdit).text = key
		await _main.make()
		_check(_said() == key + " is made.", "make")
	var row := _backups().get_root().get_first_child()
	_check(row.get_text(0) == "friday.zip" and row.get_next() != null, "list")
	_check(row.get_text(3).begins_with("20"), "proven")
	row.select(0)
	await _main.download("user://copy.zip")
	_check(FileAccess.file_exists("user://copy.zip"), "download")
	await _main.verify()
	_check("whole and undamaged" in _said(), "verify")
	row = _backups().get_root().get_first_child()
	row.select(0)
	if arguments.size() > 1:
		for _frame: int in 10:
			await process_frame
		root.get_texture().get_image().save_png(arguments[1])
	await _main.restore()
	_check(_said() == "friday.zip is restored.", "restore")
	_check(_backups().get_root().get_child_count() == 2, "list after the restore")
	var undo := _main.get_node("%Undo") as Button
	_check(not undo.disabled, "an undo is offered")
	await _main.undo()
	_check(_said() == "friday.zip is taken back.", "undo")
	var copy := OS.get_user_data_dir().path_join("copy.zip")
	await _main.upload(copy)
	_check("copy.zip is uploaded" in _said(), "upload")
	_check(_backups().get_root().get_child_count() == 3, "list after the upload")
	_choose("copy.zip")
	await _main.delete()
	_check(_said() == "copy.zip is deleted.", "delete")
	_check(_backups().get_root().get_child_count() == 2, "list after the deletion")
	_main.free()
	await create_timer(0.3).timeout
	print("@done")
	quit()


func _choose(p_key: String) -> void:
	for row: TreeItem in _backups().get_root().get_children():
		if row.get_text(0) == p_key:
			row.select(0)


func _said() -> String:
	return (_main.get_node("%Said") as Label).text


func _backups() -> Tree:
	return _main.get_node("%Backups")


func _check(p_holds: bool, p_what: String) -> void:
	print("@%s %s: %s" % ["pass" if p_holds else "fail", p_what, _said()])
