extends SceneTree
## Uploads `large.zip` and downloads it again: `-- URL`. Stays until its memory was looked at.


func _initialize() -> void:
	_run()


func _run() -> void:
	var pb := BosBase.new(OS.get_cmdline_user_args()[0])
	var login: Variant = await pb.admins().auth_with_password("root@example.com", "correct-horse-1")
	print("@ready ", login is Dictionary)
	await create_timer(0.5).timeout
	var frames := Engine.get_process_frames()
	var began := Time.get_ticks_msec()
	await _step(
		"up",
		func(p_options: Dictionary) -> Variant:
			return await pb.backups.upload_file("res://large.zip", "", p_options)
	)
	print(
		"up: ",
		Time.get_ticks_msec() - began,
		" ms, ",
		Engine.get_process_frames() - frames,
		" frames"
	)
	frames = Engine.get_process_frames()
	began = Time.get_ticks_msec()
	await _step(
		"down",
		func(p_options: Dictionary) -> Variant:
			return await pb.backups.download("large.zip", "res://down.zip", p_options)
	)
	print(
		"down: ",
		Time.get_ticks_msec() - began,
		" ms, ",
		Engine.get_process_frames() - frames,
		" frames"
	)
	print("@over")
	await create_timer(1.0).timeout
	quit()


func _step(p_name: String, p_call: Callable) -> void:
	var seen: Array[int] = [0, 0]
	var progress := func(p_done: int, p_total: int) -> void:
		seen[0] = p_done
		seen[1] = p_total
	var result: Variant = await p_call.call({"on_progress": progress})
	var whole := seen[0] == seen[1] and seen[0] > 300_000_000
	print("@%s %s %s %s" % ["pass" if result is bool and whole else "fail", p_name, result, seen])
