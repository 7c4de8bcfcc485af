extends SceneTree
## Runs the examples that `test_examples.py` wrote beside it, in their order: `-- URL`.


func _initialize() -> void:
	_run()


func _run() -> void:
	await process_frame
	var names := Array(DirAccess.get_files_at("res://")).filter(
		func(each: String) -> bool: return each.begins_with("run_") and each.ends_with(".gd")
	)
	names.sort()
	for name: String in names:
		var script: GDScript = load("res://" + name)
		print("@begin ", name)
		if script != null and script.can_instantiate():
			var example: Example = script.new()
			root.add_child(example)
			await example.prepare()
			print("@start ", name)
			await example.example()
			print("@stop ", name)
			await example.idle()
			example.queue_free()
			await process_frame
		print("@end ", name)
	print("@done ", names.size())
	quit()
