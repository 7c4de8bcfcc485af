extends SceneTree
## Downloads the protected file of a record over connections that break: `-- URL`, to
## `res://down.bin`.


func _initialize() -> void:
	_run()


func _run() -> void:
	var pb := BosBase.new(OS.get_cmdline_user_args()[0])
	print("@login ", await pb.admins().auth_with_password("root@example.com", "correct-horse-1"))
	var record: Variant = await pb.collection("kept").get_first_list_item("")
	var options := {"token": true}
	print("@answer ", await pb.files.download(record, record["file"], "res://down.bin", options))
	quit()
