extends MainLoop
## Uses the SDK where there is no scene tree and no node at all: `-- URL`.


func _initialize() -> void:
	print("@tree ", Engine.get_main_loop() is SceneTree)
	var pb := BosBase.new(OS.get_cmdline_user_args()[0])
	var login: Variant = await pb.admins().auth_with_password("root@example.com", "correct-horse-1")
	print("@login ", login is Dictionary)
	print("@create ", await pb.backups.create("bare.zip"))
	var job: Variant = await pb.backups.wait_until_finished("bare.zip")
	print("@job ", job["state"] if job is Dictionary else job)
	print("@download ", await pb.backups.download("bare.zip", "res://bare.zip"))
	print("@refused ", await BosBase.new("http://127.0.0.1:1").health.check())


func _process(_delta: float) -> bool:
	return true
