extends Suite
## Nodes that are freed while they wait for an answer. Godot lets what is on such a function's stack
## leak (godotengine/godot#74449): each freed node left an object of the engine's behind.

const NODES := 20

# Connections come about here, and then nothing more.
var _deaf := TCPServer.new()


func test_nodes_freed_while_they_await_a_call_leave_nothing_behind() -> void:
	var pb := await root()
	var ask := func() -> Variant: return await pb.backups.get_full_list()
	await _leaves_nothing("request", ask, false)
	ask = func() -> Variant: return await pb.collections.get_full_list({"batch": 1})
	await _leaves_nothing("pages", ask, false)
	ask = func() -> Variant: return await client().health.check()
	await _leaves_nothing("own client", ask, false)
	ask = func() -> Variant:
		return await client().admins().auth_with_password("nobody@example.com", "wrong")
	await _leaves_nothing("login", ask, false)


func test_nodes_freed_while_they_follow_a_job_leave_nothing_behind() -> void:
	var pb := await root()
	okay(await pb.backups.create("freed.zip"))
	var follow := func() -> Variant: return await pb.backups.wait_until_finished("freed.zip", 60.0)
	okay(await follow.call())
	await _leaves_nothing("job", follow, false)


func test_nodes_freed_while_nobody_answers_leave_nothing_behind() -> void:
	_deaf.listen(0, "127.0.0.1")
	var where := "http://127.0.0.1:%d" % _deaf.get_local_port()
	var pb := BosBase.new(where)
	pb.timeout = 1.0
	var ask := func() -> Variant: return await pb.health.check()
	await _leaves_nothing("request", ask, true)
	ask = func() -> Variant: return await pb.backups.download("x.zip", "user://freed.zip")
	await _leaves_nothing("download", ask, true)
	ask = func() -> Variant: return await _subscribe(BosBase.new(where))
	await _leaves_nothing("subscription", ask, true)
	ask = func() -> Variant: return await _sleep()
	await _leaves_nothing("sleep", ask, true)
	_deaf.stop()


func _subscribe(p_client: BosBase) -> Variant:
	return await p_client.realtime.subscribe("x", print, {"timeout": 1.0})


func _sleep() -> bool:
	await BosBaseClock.sleep(1.0)
	return true


func _leaves_nothing(p_what: String, p_call: Callable, p_slow: bool) -> void:
	# In the first round comes what is made but once.
	var counts: Array[int] = []
	var quick: int = 0
	for _round: int in 3:
		quick += await _free_while_awaiting(p_what, p_call, p_slow)
		counts.append(int(Performance.get_monitor(Performance.OBJECT_COUNT)))
	# On a slow machine some may have been quicker than their nodes' end.
	check(quick < (1 if p_slow else 3 * NODES), "%s: %d answers" % [p_what, quick])
	check(counts[2] <= counts[1], "%s: %s objects" % [p_what, counts])


# Frees nodes before their answers come: at the end of the frame, and where that is soon enough in
# the next. Answers how many answers came all the same.
func _free_while_awaiting(p_what: String, p_call: Callable, p_slow: bool) -> int:
	var answers: Array = []
	for number: int in NODES:
		var node := Asking.new()
		tree().root.add_child(node)
		node.ask(p_call, answers)
		if p_slow and number % 2 == 0:
			await tree().process_frame
			node.free()
		else:
			node.queue_free()
	await tree().process_frame
	var quick := answers.size()
	# The requests come to their ends without them.
	var ended := func() -> bool: return BosBaseExchange.pending() + BosBaseClock.sleeping() == 0
	await until(ended, p_what + ": the end")
	for _frame: int in 10:
		await tree().process_frame
	return quick


class Asking:
	extends Node
	## Asks, and does something with the answer.

	func ask(p_call: Callable, p_answers: Array) -> void:
		p_answers.append(await _asked(p_call))

	func _asked(p_call: Callable) -> Variant:
		return await p_call.call()
