extends SceneTree
## Runs the tests of one suite: `-- FILE URL`. Prints `@pass NAME`, `@fail NAME WHY`, and `@done
## COUNT` at the end. With `-- FILE URL METHOD` it begins that method and quits in the midst of it.


func _initialize() -> void:
	_run()


func _run() -> void:
	await process_frame
	var arguments := OS.get_cmdline_user_args()
	var script: GDScript = load("res://" + arguments[0])
	if script == null or not script.can_instantiate():
		quit(1)
		return
	var suite: Suite = script.new()
	suite.url = arguments[1]
	if arguments.size() > 2:
		suite.call(arguments[2])
		await suite.until(func() -> bool: return suite.under_way, arguments[2])
		await create_timer(0.3).timeout
		print("@quit ", suite.failures)
		quit()
		return
	var count := 0
	for method: Dictionary in script.get_script_method_list():
		var name: String = method["name"]
		if not name.begins_with("test_"):
			continue
		suite.failures.clear()
		var began := Time.get_ticks_msec()
		await suite.call(name)
		count += 1
		print(name, ": ", Time.get_ticks_msec() - began, " ms")
		if suite.failures.is_empty():
			print("@pass ", name)
		else:
			print("@fail ", name, " ", "; ".join(suite.failures).replace("\n", " "))
	suite = null
	# What is being closed gets its turn.
	for _frame: int in 10:
		await process_frame
	print("@done ", count)
	quit()
