extends SceneTree
## Goes on asking and listening while the server is killed and started again: `-- URL`. Ends with
## the first message after that.

# A client that nobody holds hangs up.
var _pb: BosBase


func _initialize() -> void:
	_run()


func _run() -> void:
	_pb = BosBase.new(OS.get_cmdline_user_args()[0])
	await _pb.admins().auth_with_password("root@example.com", "correct-horse-1")
	_pb.realtime.connected.connect(func() -> void: print("@connected"))
	var result: Variant = await _pb.collection("users").subscribe("*", _on_change)
	print("@ready ", result is Callable)
	while not await _pb.health.check() is ClientResponseError:
		await create_timer(0.05).timeout
	print("@gone ", await _pb.health.check())
	print("@gone ", await _pb.backups.create("gone.zip"))
	# Waits for a server that may be restarting, for as long as it is told to.
	print("@waited ", await _pb.backups.wait_until_finished("other.zip", 1.0))
	print("@start")
	print("@job ", await _pb.backups.wait_until_finished("", 300.0, {"job": "none"}))
	while await _pb.health.check() is ClientResponseError:
		await create_timer(0.05).timeout
	print("@back ", await _pb.backups.get_full_list())


func _on_change(p_event: Dictionary) -> void:
	print("@heard ", p_event["record"]["email"])
	quit()
