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
	_main.free()
	await create_timer(0.3).timeout
	print("@done")
	quit()


func _said() -> String:
	return (_main.get_node("%Said") as Label).text


func _backups() -> Tree:
	return _main.get_node("%Backups")


func _check(p_holds: bool, p_what: String) -> void:
	print("@%s %s: %s" % ["pass" if p_holds else "fail", p_what, _said()])
