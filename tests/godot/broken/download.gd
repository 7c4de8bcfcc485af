extends SceneTree
## Downloads `broken.zip` over connections that break: `-- URL [PATH]`, to `res://down.zip` unless told otherwise.


func _initialize() -> void:
	_run()


func _run() -> void:
	var pb := BosBase.new(OS.get_cmdline_user_args()[0])
	var login: Variant = await pb.admins().auth_with_password("root@example.com", "correct-horse-1")
	if login is ClientResponseError:
		print("@fail login ", login)
	var seen: Array[int] = []
	var progress := func(p_done: int, _p_total: int) -> void: seen.append(p_done)
	var arguments := OS.get_cmdline_user_args()
	var path := arguments[1] if arguments.size() > 1 else "res://down.zip"
	var result: Variant = await pb.backups.download("broken.zip", path, {"on_progress": progress})
	var sorted := seen.duplicate()
	sorted.sort()
	print("@answer ", result)
	print("@forward ", sorted == seen)
	quit()
