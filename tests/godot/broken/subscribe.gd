extends SceneTree
## Subscribes to the users, and prints what it hears of them: `-- URL`. Ends with the first message after `@lost`.

# A client that nobody holds hangs up.
var _pb: BosBase
var _lost: int


func _initialize() -> void:
	_run()


func _run() -> void:
	_pb = BosBase.new(OS.get_cmdline_user_args()[0])
	var login: Variant = await _pb.admins().auth_with_password(
		"root@example.com", "correct-horse-1"
	)
	if login is ClientResponseError:
		print("@fail login ", login)
	_pb.realtime.disconnected.connect(_on_lost)
	_pb.realtime.connected.connect(func() -> void: print("@connected"))
	var first: Variant = await _pb.collection("users").subscribe("*", _on_change)
	print("@first ", first is ClientResponseError, " ", first)
	var second: Variant = await _pb.collection("users").subscribe("*", _on_change)
	print("@second ", second is Callable)


func _on_lost(_p_topics: PackedStringArray) -> void:
	_lost += 1
	print("@lost")


func _on_change(p_event: Dictionary) -> void:
	var record: Dictionary = p_event["record"]
	print("@heard ", record["email"])
	if _lost > 0:
		quit()
