extends SceneTree
## Subscribes to several topics at once, as the nodes of a scene do: `-- URL`. Ends when the last is
## heard of, or after some seconds without.

var _pb: BosBase
var _told: int


func _initialize() -> void:
	_run()


func _run() -> void:
	_pb = BosBase.new(OS.get_cmdline_user_args()[0])
	await _pb.admins().auth_with_password("root@example.com", "correct-horse-1")
	await _pb.realtime.subscribe("users/*", print)
	for topic: String in ["users/aaaaaaaaaaaaaaa", "users/bbbbbbbbbbbbbbb", "@backups"]:
		_subscribe(topic)
		await process_frame
	while _told < 3:
		await process_frame
	print("@told ", _told)
	# What is on its way may still overtake.
	await create_timer(2.0).timeout
	await _pb.backups.create("together.zip")
	await create_timer(10.0).timeout
	print("@deaf")
	quit()


func _subscribe(p_topic: String) -> void:
	var result: Variant = await _pb.realtime.subscribe(p_topic, _on_told)
	_told += 1 if result is Callable else 0


func _on_told(p_job: Dictionary) -> void:
	print("@heard ", p_job["key"])
	quit()
