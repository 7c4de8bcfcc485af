extends Suite
## What a program may be in the midst of when it ends; each method is begun and never gets to its end.

# Connections come about here, and then nothing more.
static var _deaf: TCPServer


func request_in_a_node() -> void:
	_in_a_node(func(p_client: BosBase) -> Variant: return await p_client.health.check())


func download_in_a_node() -> void:
	_in_a_node(
		func(p_client: BosBase) -> Variant:
			return await p_client.backups.download("x.zip", "user://left.zip")
	)


func upload_in_a_node() -> void:
	var bytes := PackedByteArray()
	bytes.resize(64 << 20)
	_in_a_node(
		func(p_client: BosBase) -> Variant:
			return await p_client.backups.upload({"file": BosBaseFile.from_bytes("x.zip", bytes)})
	)


func several_requests_in_a_node() -> void:
	for _number: int in 10:
		request_in_a_node()


func job_in_a_node() -> void:
	var pb := await root()
	okay(await pb.backups.create("left.zip"))
	var node := Asking.new()
	tree().root.add_child(node)
	node.follow(pb, "left.zip")
	under_way = true


func request_of_nobody() -> void:
	_client().health.check()
	under_way = true


func request_with_a_key_and_progress() -> void:
	var pb := _client()
	var progress := func(_done: int, _total: int) -> void: print(pb)
	pb.send("/x", {"request_key": "x", "on_progress": progress})
	under_way = true


func request_in_this_object() -> void:
	var pb := _client()
	under_way = true
	print("@answer ", await pb.health.check())


func request_in_a_static_function() -> void:
	_ask(_client())
	under_way = true


func request_made_again_for_ever() -> void:
	_ask_for_ever(_client())
	under_way = true


func subscription() -> void:
	var holder := Holder.new()
	tree().root.add_child(holder)
	holder.client = await root()
	okay(await holder.client.collection("users").subscribe("*", holder.note))
	check(holder.client.realtime.is_online, "online")
	under_way = true


func subscription_that_holds_its_client() -> void:
	var pb := await root()
	var note := func(_event: Dictionary) -> void: print(pb)
	okay(await pb.collection("users").subscribe("*", note))
	check(pb.realtime.is_online, "online")
	under_way = true


func subscription_that_is_being_made() -> void:
	_in_a_node(
		func(p_client: BosBase) -> Variant: return await p_client.realtime.subscribe("x", print)
	)


func subscription_that_is_lost() -> void:
	var wire := Wire.new("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}")
	var holder := Holder.new()
	tree().root.add_child(holder)
	holder.client = BosBase.new(wire.url)
	_add(func() -> Variant: return await holder.client.realtime.subscribe("x", holder.note))
	await BosBaseClock.sleep(0.1)
	wire.stop()


static func _ask(p_client: BosBase) -> void:
	print("@answer ", await p_client.health.check())


static func _ask_for_ever(p_client: BosBase) -> void:
	while await p_client.health.check() is ClientResponseError:
		pass


func _client() -> BosBase:
	_deaf = TCPServer.new()
	_deaf.listen(0, "127.0.0.1")
	return BosBase.new("http://127.0.0.1:%d" % _deaf.get_local_port())


func _in_a_node(p_call: Callable) -> void:
	_add(p_call.bind(_client()))


func _add(p_call: Callable) -> void:
	var node := Asking.new()
	tree().root.add_child(node)
	node.ask(p_call)
	under_way = true


class Asking:
	extends Node
	## Asks, and would say so if an answer came after its end.

	func ask(p_call: Callable) -> void:
		var answer: Variant = await p_call.call()
		print("@answer ", answer, " ", get_tree())

	func follow(p_client: BosBase, p_key: String) -> void:
		while true:
			await p_client.backups.wait_until_finished(p_key)
			await BosBaseClock.sleep(0.3)


class Holder:
	extends Node
	## Holds a client.

	var client: BosBase

	func note(p_event: Dictionary) -> void:
		print(p_event)
