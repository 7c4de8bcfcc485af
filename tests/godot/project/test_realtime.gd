extends Suite
## Messages as things happen, also across a restart of the server.


func test_changes_arrive_until_unsubscribed() -> void:
	var pb := await root()
	var users := pb.collection("users")
	var seen: Array = []
	var stop: Variant = await users.subscribe(
		"*", func(p_event: Dictionary) -> void: seen.append(p_event)
	)
	if not check(stop is Callable, str(stop)):
		return
	check(pb.realtime.is_online, "online")
	var made: Variant = await users.create(_account("one@example.com"))
	await until(func() -> bool: return seen.size() == 1, "create")
	equal(seen[0]["action"], "create")
	equal(seen[0]["record"]["id"], made["id"])
	var only: Array = []
	okay(await users.subscribe(made["id"], func(p_event: Dictionary) -> void: only.append(p_event)))
	okay(await users.update(made["id"], {"name": "ü"}))
	await until(func() -> bool: return seen.size() == 2 and only.size() == 1, "update")
	equal(only[0]["record"]["name"], "ü")
	equal(await (stop as Callable).call(), true)
	okay(await users.delete(made["id"]))
	await until(func() -> bool: return only.size() == 2, "delete")
	equal(seen.size(), 2)
	equal(await users.unsubscribe(), true)
	check(not pb.realtime.is_online, "offline without subscriptions")


func test_options_travel_with_a_subscription() -> void:
	var pb := await root()
	var users := pb.collection("users")
	var seen: Array = []
	var listen := func(p_event: Dictionary) -> void: seen.append(p_event)
	okay(await users.subscribe("*", listen, {"fields": "id,email", "filter": "email ~ 'yes'"}))
	okay(await users.create(_account("no@example.com")))
	okay(await users.create(_account("yes@example.com")))
	await until(func() -> bool: return seen.size() == 1, "the one that passes")
	if equal(seen.size(), 1):
		equal(seen[0]["record"].keys().size(), 2, str(seen[0]))
		equal(seen[0]["record"]["email"], "yes@example.com")
	equal(await pb.realtime.unsubscribe(), true)


func test_a_subscription_that_cannot_be_is_an_error() -> void:
	refused(
		await BosBase.new("http://127.0.0.1:1").realtime.subscribe("x", print), 0, "Nobody answers"
	)
	refused(await client().collection("users").subscribe("", print), 0)
	refused(await client().realtime.subscribe("", print), 0)


func test_jobs_are_told_and_a_restore_is_survived() -> void:
	var pb := await root()
	var jobs: Array = []
	var changes: Array = []
	var lost: Array = []
	pb.realtime.disconnected.connect(
		func(p_topics: PackedStringArray) -> void: lost.append(p_topics)
	)
	okay(
		await pb.realtime.subscribe("@backups", func(p_job: Dictionary) -> void: jobs.append(p_job))
	)
	okay(await pb.backups.create("live.zip"))
	okay(await pb.backups.wait_until_finished("live.zip", 60.0))
	var ended := func() -> bool:
		return jobs.any(func(each: Dictionary) -> bool: return each.get("state") == "succeeded")
	await until(ended, "the job's end, heard of")
	var users := pb.collection("users")
	okay(await users.subscribe("*", func(p_event: Dictionary) -> void: changes.append(p_event)))
	var first_name := pb.realtime.client_id
	okay(await pb.backups.restore("live.zip"))
	var statuses: Array = []
	_watch(pb, statuses)
	okay(await pb.backups.wait_until_finished("live.zip", 60.0), "restored")
	await until(func() -> bool: return lost.size() > 0, "the loss")
	await until(func() -> bool: return pb.realtime.is_online, "the new connection")
	check(pb.realtime.client_id != first_name, "the same connection")
	# The new server knows of both topics as soon as `connected` was emitted.
	await BosBaseClock.sleep(0.3)
	okay(await users.create(_account("after@example.com")))
	await until(func() -> bool: return changes.size() > 0, "a change after the restore")
	await until(func() -> bool: return -1 in statuses, "the watch's end")
	statuses.erase(-1)
	check(statuses.size() > 10, "%d requests" % statuses.size())
	check(statuses.all(func(each: int) -> bool: return each in [200, 503]), str(statuses))
	equal(await pb.realtime.unsubscribe(), true)


# What the documentation says of both was not known before it was tried.
func test_a_connection_ends_with_its_token_at_the_next_change() -> void:
	var pb := await root()
	var rule := "@request.auth.id != ''"
	okay(await pb.collections.create({"name": "inner", "listRule": rule, "fields": []}))
	okay(await pb.collections.create({"name": "outer", "listRule": "", "fields": []}))
	okay(await pb.collections.update("users", {"authToken": {"duration": 10}}))
	okay(await pb.collection("users").create(_account("expires@example.com")))
	var stale := await _listener("expires@example.com")
	var fresh := await _listener("expires@example.com")
	okay(await pb.collections.update("users", {"authToken": {"duration": 600}}))
	okay(await fresh.pb.collection("users").auth_refresh())
	await _change(pb, [stale, fresh])
	equal([stale.heard, fresh.heard], [["inner", "outer"], ["inner", "outer"]])
	# Nothing happens to a connection whose token has expired …
	var is_over := func() -> bool: return stale.pb.auth_store.seconds_left() < -2.0
	await until(is_over, "the token's end")
	check(fresh.pb.auth_store.is_valid, "the fresh token")
	equal([stale.lost, fresh.lost], [0, 0], "before a change")
	# … before there is something to tell, which is lost. The token that counts is the one that the
	# subscription was told with.
	okay(await pb.collection("outer").create())
	for each: Ear in [stale, fresh]:
		await until(func() -> bool: return each.lost == 1 and each.pb.realtime.is_online, "anew")
		equal(each.heard.size(), 2, "what was lost")
		each.heard.clear()
	# A dead login goes on as a stranger.
	await _change(pb, [stale, fresh])
	equal([stale.heard, fresh.heard], [["outer"], ["inner", "outer"]])
	# And so it does after a new login, which the server is not told of by that.
	var login: Array = ["expires@example.com", "12345678"]
	okay(await stale.pb.collection("users").auth_with_password.callv(login))
	await _change(pb, [stale])
	equal(stale.heard, ["outer", "outer"])
	await stale.begin()
	await _change(pb, [stale])
	equal(stale.heard, ["outer", "outer", "inner", "outer"])
	for each: Ear in [stale, fresh]:
		equal(await each.pb.realtime.unsubscribe(), true)
	okay(await pb.collections.delete("inner"))
	okay(await pb.collections.delete("outer"))


func test_records_that_are_brought_back_are_told_as_changes() -> void:
	var pb := await root()
	okay(await pb.collections.create({"name": "lost", "fields": [{"type": "text", "name": "t"}]}))
	var lost := pb.collection("lost")
	var gone: Variant = await lost.create({"t": "was"})
	var changed: Variant = await lost.create({"t": "was"})
	var same: Variant = await lost.create({"t": "was"})
	okay(await pb.backups.create("lost.zip"))
	okay(await pb.backups.wait_until_finished("lost.zip", 60.0))
	okay(await lost.delete(gone["id"]))
	okay(await lost.update(changed["id"], {"t": "is"}))
	var seen: Dictionary = {}
	var note := func(p_event: Dictionary) -> void:
		var record: Dictionary = p_event["record"]
		seen[record["id"]] = [p_event["action"], record["t"]]
	okay(await lost.subscribe("*", note))
	var ids: Array = [gone["id"], changed["id"], same["id"]]
	okay(await pb.backups.recover("lost.zip", "lost", ids, {"overwrite": true}))
	var last: Variant = await lost.create({"t": "last"})
	await until(func() -> bool: return seen.has(last["id"]), "what came after it")
	equal(seen.get(gone["id"]), ["create", "was"])
	equal(seen.get(changed["id"]), ["update", "was"])
	equal(seen.size(), 3, str(seen))
	equal(await pb.realtime.unsubscribe(), true)
	okay(await pb.backups.delete("lost.zip"))


func test_subscriptions_end_by_prefix_and_by_who_listens() -> void:
	var pb := await root()
	var realtime := pb.realtime
	var one: Array = []
	var two: Array = []
	var note_one := func(p_event: Dictionary) -> void: one.append(p_event)
	var note_two := func(p_event: Dictionary) -> void: two.append(p_event)
	okay(await realtime.subscribe("users/*", note_one))
	okay(await realtime.subscribe("users/*", note_two))
	okay(await pb.collection("users").create(_account("listen1@example.com")))
	await until(func() -> bool: return one.size() == 1 and two.size() == 1, "both")
	equal(await realtime.unsubscribe_by_topic_and_listener("users/*", note_one), true)
	okay(await pb.collection("users").create(_account("listen2@example.com")))
	await until(func() -> bool: return two.size() == 2, "the other")
	equal(one.size(), 1)
	okay(await realtime.subscribe("@backups", note_one))
	equal(await realtime.unsubscribe_by_prefix("users/"), true)
	check(realtime.is_online, "there is another topic")
	equal(await realtime.unsubscribe_by_prefix("@"), true)
	check(not realtime.is_online, "offline without subscriptions")


# The subscription failed with what the server said of a connection that it had forgotten.
func test_a_connection_that_the_server_forgot_is_made_anew() -> void:
	var pb := await root()
	var seen: Array = []
	var note := func(p_event: Dictionary) -> void: seen.append(p_event)
	okay(await pb.realtime.subscribe("@backups", print))
	pb.realtime.client_id = "forgotten"
	var stop: Variant = await pb.collection("users").subscribe("*", note)
	check(stop is Callable, str(stop))
	check(pb.realtime.is_online and pb.realtime.client_id != "forgotten", "the old connection")
	okay(await pb.collection("users").create(_account("forgotten@example.com")))
	await until(func() -> bool: return seen.size() == 1, "heard", 10.0)
	equal(await pb.realtime.unsubscribe(), true)


func test_a_freed_node_ends_its_subscription() -> void:
	var pb := await root()
	var node := Listener.new()
	var users := pb.collection("users")
	okay(await users.subscribe("*", node.note))
	node.free()
	var seen: Array = []
	var stop: Variant = await users.subscribe(
		"*", func(p_event: Dictionary) -> void: seen.append(p_event)
	)
	okay(await users.create(_account("freed1@example.com")))
	await until(func() -> bool: return seen.size() == 1, "who is left", 10.0)
	check(pb.realtime.is_online, "online")
	await users.unsubscribe("*")
	node = Listener.new()
	okay(await users.subscribe("*", node.note))
	node.free()
	okay(await users.create(_account("freed2@example.com")))
	await until(func() -> bool: return not pb.realtime.is_online, "the last one's end", 10.0)
	check(stop is Callable, str(stop))


func test_who_listens_may_change_what_is_told() -> void:
	var pb := await root()
	var users := pb.collection("users")
	var seen: Array = []
	okay(await users.subscribe("*", func(p_event: Dictionary) -> void: p_event.clear()))
	okay(await users.subscribe("*", func(p_event: Dictionary) -> void: seen.append(p_event)))
	okay(await users.create(_account("changed@example.com")))
	await until(func() -> bool: return seen.size() == 1, "told", 10.0)
	equal(seen[0].get("action"), "create")
	equal(await pb.realtime.unsubscribe(), true)


func test_who_unsubscribes_while_it_is_being_made_does_not_wait() -> void:
	var wire := Wire.new("")
	var pb := BosBase.new(wire.url)
	var got: Array = []
	var ask := func() -> void: got.append(await pb.realtime.subscribe("x", print))
	ask.call()
	await BosBaseClock.sleep(0.1)
	equal(await pb.realtime.unsubscribe(), true)
	await until(func() -> bool: return got.size() == 1, "the answer", 5.0)
	if equal(got.size(), 1) and refused(got[0], 0):
		check(got[0].is_abort, "is_abort")
	wire.stop()


# PocketBase says nothing where nothing happens: its connections were given up every 90 seconds.
func test_silence_means_something_only_where_the_server_is_used_to_speak() -> void:
	var server := TCPServer.new()
	server.listen(0, "127.0.0.1")
	var pb := BosBase.new("http://127.0.0.1:%d" % server.get_local_port())
	pb.realtime.subscribe("x", print)
	await until(server.is_connection_available, "the connection")
	var line := server.take_connection()
	var head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	head += "Connection: close\r\n\r\n"
	line.put_data((head + "id:a\nevent:other\ndata:{}\n\n").to_utf8_buffer())
	var pending: Array[BosBaseExchange] = pb.realtime._transport._pending
	await until(
		func() -> bool: return pending.size() > 0 and pending[0].status == 200, "its head", 5.0
	)
	equal(pending[0].timeout, 330.0)
	line.put_data(":\n\n".to_utf8_buffer())
	await until(func() -> bool: return pending[0].timeout == 90.0, "the shorter time", 5.0)
	await pb.realtime.unsubscribe()
	line.disconnect_from_host()
	server.stop()


func test_a_lost_connection_is_made_again_at_growing_intervals() -> void:
	var transport := BosBaseTransport.new("http://127.0.0.1:1", BosBaseAuthStore.new(), "")
	var stream := BosBaseEventStream.new(transport, "/api/realtime")
	var times: Array[int] = []
	var attempts: Array[int] = []
	var note := func(_error: ClientResponseError, p_attempts: int) -> void:
		times.append(Time.get_ticks_msec())
		attempts.append(p_attempts)
		# Somebody was heard: from here on it counts anew.
		if attempts.size() == 5:
			stream.confirm()
	stream.lost.connect(note)
	stream.run()
	await until(func() -> bool: return times.size() >= 6, "six attempts", 60.0)
	stream.lost.disconnect(note)
	stream.close()
	equal(attempts.slice(0, 6), [1, 2, 3, 4, 5, 1])
	for number: int in 4:
		var waited := times[number + 1] - times[number]
		var least := int(BosBaseEventStream.BACKOFF[number] * 1000.0)
		check(waited >= least - 1, "attempt %d came after %d ms" % [number + 2, waited])
	await until(func() -> bool: return BosBaseClock.sleeping() == 0, "the end")


func test_a_client_that_is_dropped_hangs_up() -> void:
	await _subscribe_and_drop()
	var before := Performance.get_monitor(Performance.OBJECT_COUNT)
	for _frame: int in 60:
		await tree().process_frame
	var after := Performance.get_monitor(Performance.OBJECT_COUNT)
	check(after <= before, "%d objects more" % (after - before))


func _subscribe_and_drop() -> void:
	var pb := client()
	okay(await pb.collection("users").subscribe("*", print))


# Asks all through a restart; 0 where a connection was refused.
func _watch(p_client: BosBase, p_statuses: Array) -> void:
	var end := Time.get_ticks_msec() + 4000
	while Time.get_ticks_msec() < end:
		var result: Variant = await p_client.health.check()
		p_statuses.append(result.status if result is ClientResponseError else 200)
	p_statuses.append(-1)


func _listener(p_email: String) -> Ear:
	var ear := Ear.new()
	ear.pb = client()
	okay(await ear.pb.collection("users").auth_with_password(p_email, "12345678"))
	ear.pb.realtime.disconnected.connect(ear.note_loss)
	await ear.begin()
	return ear


# A change that only accounts may see, and then one that all may, which all have heard of behind it.
func _change(p_root: BosBase, p_ears: Array[Ear]) -> void:
	var before: Array = p_ears.map(func(each: Ear) -> int: return each.heard.count("outer"))
	okay(await p_root.collection("inner").create())
	okay(await p_root.collection("outer").create())
	for number: int in p_ears.size():
		var wanted: int = before[number] + 1
		var heard := p_ears[number].heard
		await until(func() -> bool: return heard.count("outer") == wanted, "the second change")


static func _account(p_email: String) -> Dictionary:
	return {
		"email": p_email,
		"emailVisibility": true,
		"password": "12345678",
		"passwordConfirm": "12345678"
	}


class Listener:
	extends Node
	## Is told of what happens.

	func note(p_event: Dictionary) -> void:
		print(p_event)


class Ear:
	extends RefCounted
	## A client that notes of which collections it hears, and how often its connection was lost.

	var pb: BosBase
	var heard: Array[String] = []
	var lost: int

	func note_loss(_topics: PackedStringArray) -> void:
		lost += 1

	func begin() -> void:
		await pb.realtime.unsubscribe()
		for name: String in ["inner", "outer"]:
			var note := func(_event: Dictionary) -> void: heard.append(name)
			await pb.collection(name).subscribe("*", note)
