extends Suite
## The Backups API.


func test_a_backup_is_created_listed_and_deleted() -> void:
	var pb := await root()
	okay(await pb.backups.create("first_1.zip"), "create")
	var seen: Array = []
	var progress := func(p_done: int, p_total: int) -> void: seen.append([p_done, p_total])
	var job: Variant = await pb.backups.wait_until_finished(
		"first_1.zip", 60.0, {"on_progress": progress}
	)
	if okay(job, "wait"):
		equal(job["state"], "succeeded")
		equal(typeof(job["bytesDone"]), TYPE_INT)
		# A total of 0 made everybody's `done / total` fail.
		check(seen.all(func(each: Array) -> bool: return each[1] == -1 or each[1] > 0), str(seen))
		equal(seen[-1], [job["bytesDone"], job["bytesTotal"]])
	var backups: Variant = await pb.backups.get_full_list()
	if okay(backups, "list"):
		equal(backups.size(), 1)
		equal(backups[0].key, "first_1.zip")
		check(backups[0].size is int and backups[0].size > 0, "size")
		check(Time.get_unix_time_from_datetime_string(backups[0].modified) > 1.7e9, "modified")
	equal(await pb.backups.delete("first_1.zip"), true)
	equal((await pb.backups.get_full_list()).size(), 0)


func test_without_a_name_the_server_makes_one_up() -> void:
	var pb := await root()
	okay(await pb.backups.create(""), "create")
	okay(await pb.backups.wait_until_finished("", 60.0), "wait")
	var backups: Variant = await pb.backups.get_full_list()
	if okay(backups) and equal(backups.size(), 1):
		check(backups[0].key.begins_with("pb_backup_"), backups[0].key)
		okay(await pb.backups.delete(backups[0].key))


func test_errors_say_what_the_server_says() -> void:
	var pb := await root()
	refused(await pb.backups.create("Upper.zip"), 400, "name:", "name")
	okay(await pb.backups.create("taken.zip"))
	okay(await pb.backups.wait_until_finished("taken.zip", 60.0))
	refused(await pb.backups.create("taken.zip"), 400, "already exists", "taken")
	refused(await pb.backups.delete("nothing.zip"), 404, "", "delete")
	refused(await pb.backups.restore("nothing.zip"), 400, "", "restore")
	refused(await pb.backups.verify("nothing.zip"), 404, "", "verify")
	refused(await client().backups.get_full_list(), 401, "", "nobody")
	okay(await pb.backups.delete("taken.zip"))


func test_a_user_may_not() -> void:
	var pb := await root()
	var body := {"email": "u@example.com", "password": "12345678", "passwordConfirm": "12345678"}
	okay(await pb.collection("users").create(body), "create user")
	var user := client()
	okay(await user.collection("users").auth_with_password("u@example.com", "12345678"), "login")
	refused(await user.backups.get_full_list(), 403)
	refused(await user.backups.create("x.zip"), 403)
	refused(await user.backups.restore("x.zip"), 403)


func test_one_at_a_time() -> void:
	var pb := await root()
	# An upload runs for as long as its bytes come in.
	var slow := StreamPeerTCP.new()
	var port := url.get_slice(":", 2).to_int()
	slow.connect_to_host("127.0.0.1", port)
	var connected := func() -> bool:
		slow.poll()
		return slow.get_status() == StreamPeerTCP.STATUS_CONNECTED
	if not await until(connected, "the connection"):
		return
	var head := "POST /api/backups/upload HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n"
	head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n"
	head += '--b\r\nContent-Disposition: form-data; name="file"; filename="slow.zip"\r\n'
	head += "Content-Type: application/zip\r\n\r\nPK"
	slow.put_data((head % pb.auth_store.token).to_utf8_buffer())
	var running: Array = [null]
	for _try: int in 600:
		running[0] = (await pb.backups.status())["running"]
		if running[0] != null:
			break
		await BosBaseClock.sleep(0.05)
	if check(running[0] is Dictionary, "no upload runs"):
		equal([running[0]["kind"], running[0]["key"]], ["upload", "slow.zip"])
	refused(await pb.backups.create("busy.zip"), 400, "another backup/restore", "create")
	refused(await pb.backups.undo_restore(), 400, "another backup/restore", "undo")
	equal((await pb.health.check())["data"]["canBackup"], false)
	refused(await pb.backups.cancel("nobody"), 400, "nothing to cancel")
	refused(await client().backups.cancel(), 401)
	okay(await pb.backups.cancel(str(running[0]["id"])), "cancel")
	slow.disconnect_from_host()
	await _idle(pb)
	for job: Dictionary in (await pb.backups.status())["jobs"]:
		if job["id"] == running[0]["id"]:
			equal([job["state"], job["stopped"]], ["failed", true])
	refused(await pb.backups.cancel(), 400, "nothing to cancel")
	equal((await pb.backups.get_full_list()).size(), 0)
	refused(await pb.backups.wait_until_finished("busy.zip"), 400, "another backup/restore", "wait")


func test_down_up_verify_and_restore() -> void:
	var pb := await root()
	okay(await pb.backups.create("round.zip"))
	okay(await pb.backups.wait_until_finished("round.zip", 60.0))
	okay(await pb.backups.verify("round.zip"))
	var verified: Variant = await pb.backups.wait_until_finished("round.zip", 60.0)
	if okay(verified):
		equal(verified["kind"], "verify")
	var seen: Array = []
	var progress := func(p_done: int, p_total: int) -> void: seen.append([p_done, p_total])
	okay(await pb.backups.download("round.zip", "user://round.zip", {"on_progress": progress}))
	var bytes := FileAccess.get_file_as_bytes("user://round.zip")
	if check(not seen.is_empty(), "progress"):
		equal(seen[-1], [bytes.size(), bytes.size()])
	okay(await pb.backups.upload_file("user://round.zip", "copy_1.zip"), "upload_file")
	var file := {"filename": "copy_2.zip", "content_type": "application/zip", "data": bytes}
	okay(await pb.backups.upload({"file": file}), "upload")
	refused(await pb.backups.upload({"file": file}), 400, "already exists")
	file = {
		"filename": "no.zip", "content_type": "application/zip", "data": "no zip".to_utf8_buffer()
	}
	refused(await pb.backups.upload({"file": file}), 400)
	var made: Variant = await pb.collection("users").create(
		{"email": "late@example.com", "password": "12345678", "passwordConfirm": "12345678"}
	)
	okay(made, "user after the backup")
	okay(await pb.backups.restore("copy_1.zip"), "restore")
	okay(await pb.backups.wait_until_finished("copy_1.zip", 60.0), "restored")
	refused(
		await pb.collection("users").get_one(str(made["id"])), 404, "", "user after the restore"
	)
	refused(await pb.backups.download("nothing.zip", "user://nothing.zip"), 404)
	check(not FileAccess.file_exists("user://nothing.zip"), "nothing.zip")
	check(not FileAccess.file_exists("user://nothing.zip.part"), "nothing.zip.part")
	DirAccess.remove_absolute("user://round.zip")


func test_a_restore_is_undone() -> void:
	var pb := await root()
	okay(await pb.backups.create("before.zip"))
	okay(await pb.backups.wait_until_finished("before.zip", 60.0))
	var made: Variant = await pb.collection("users").create(
		{"email": "undone@example.com", "password": "12345678", "passwordConfirm": "12345678"}
	)
	okay(made, "user after the backup")
	okay(await pb.backups.restore("before.zip"), "restore")
	okay(await pb.backups.wait_until_finished("before.zip", 60.0), "restored")
	refused(await pb.collection("users").get_one(str(made["id"])), 404)
	var before: Variant = await pb.backups.status()
	if okay(before) and check(before["undo"] is Dictionary, str(before["undo"])):
		equal(before["undo"]["key"], "before.zip")
	var outlook: Variant = await pb.backups.undo_content()
	if okay(outlook, "outlook") and check(outlook["comparison"] is Dictionary, str(outlook)):
		equal(outlook["undo"]["key"], "before.zip")
		equal(typeof(outlook["comparison"]["gone"]["atLeast"]), TYPE_INT)
		for one: Dictionary in outlook["comparison"]["collections"]:
			if one["fate"] == "stays":
				equal(typeof(one["changes"]["more"]), TYPE_INT)
	okay(await pb.backups.undo_restore(), "undo")
	var job: Variant = await pb.backups.wait_until_finished("", 60.0)
	if okay(job, "undone"):
		equal(job["kind"], "undo")
	okay(await pb.collection("users").get_one(str(made["id"])), "user after the undo")
	refused(await client().backups.undo_restore(), 401)


func test_a_list_tells_what_was_proven() -> void:
	var pb := await root()
	okay(await pb.backups.create("proven.zip"))
	okay(await pb.backups.wait_until_finished("proven.zip", 60.0))
	var listed: Variant = await pb.backups.get_full_list()
	if okay(listed):
		var ours: Array = listed.filter(
			func(each: Dictionary) -> bool: return each["key"] == "proven.zip"
		)
		if equal(ours.size(), 1):
			check(str(ours[0]["proven"]).begins_with("20"), str(ours[0]))
			equal(ours[0]["proofError"], "")


# A backup could not begin, and waiting for it reported the success of an older one of that name.
func test_what_a_backup_holds_and_what_a_restore_would_change() -> void:
	var pb := await root()
	var fields: Array = [{"name": "title", "type": "text"}]
	fields.append({"name": "created", "type": "autodate", "onCreate": true})
	var body := {"name": "held", "type": "base", "fields": fields}
	okay(await pb.collections.create(body), "collection")
	okay(await pb.collection("held").create({"title": "a"}), "record")
	okay(await pb.backups.create("held.zip"), "create")
	okay(await pb.backups.wait_until_finished("held.zip", 60.0), "wait")
	okay(await pb.collection("held").create({"title": "b"}), "record")
	var told: Variant = await pb.backups.content("held.zip", true)
	if okay(told, "content") and check(told["known"] and told["counted"], str(told)):
		var is_held := func(each: Dictionary) -> bool: return each["name"] == "held"
		var inside: Dictionary = told["collections"].filter(is_held)[0]
		equal(inside["records"], 1)
		equal(typeof(inside["records"]), TYPE_INT)
		var compared: Dictionary = told["comparison"]["collections"].filter(is_held)[0]
		equal([compared["fate"], compared["recordsNow"]], ["stays", 2])
		equal(compared["createdSince"], 1)
		equal(typeof(told["comparison"]["gone"]["records"]), TYPE_INT)
	var plain: Variant = await pb.backups.content("held.zip")
	if okay(plain, "content"):
		check(not plain.has("comparison"), "not asked for")
	refused(await pb.backups.content("nothing.zip"), 404, "", "content")
	refused(await client().backups.content("held.zip"), 401, "", "nobody")
	okay(await pb.backups.delete("held.zip"))
	okay(await pb.collections.delete("held"))


func test_single_records_come_back() -> void:
	var pb := await root()
	var fields: Array = [{"name": "title", "type": "text"}]
	okay(await pb.collections.create({"name": "kept", "type": "base", "fields": fields}), "kept")
	var first: Variant = await pb.collection("kept").create({"title": "a"})
	var second: Variant = await pb.collection("kept").create({"title": "b"})
	if not (okay(first, "first") and okay(second, "second")):
		return
	okay(await pb.backups.create("kept.zip"), "create")
	okay(await pb.backups.wait_until_finished("kept.zip", 60.0), "wait")
	okay(await pb.collection("kept").delete(first["id"]))
	okay(await pb.collection("kept").update(second["id"], {"title": "c"}))
	var gone: Variant = await pb.backups.get_records("kept.zip", "kept", {"state": "gone"})
	if okay(gone, "gone"):
		equal([gone["totalItems"], typeof(gone["totalItems"])], [1, TYPE_INT])
		equal(gone["items"][0]["record"]["title"], "a")
	var options: Dictionary = {"overwrite": true, "dryRun": true}
	var ids: Array = [first["id"], second["id"]]
	var would: Variant = await pb.backups.recover("kept.zip", "kept", ids, options)
	if okay(would, "dry run"):
		equal([would["added"], would["changed"], would["dryRun"]], [1, 1, true])
		equal(typeof(would["added"]), TYPE_INT)
	refused(await pb.collection("kept").get_one(first["id"]), 404, "", "a dry run")
	var done: Variant = await pb.backups.recover("kept.zip", "kept", [], {"filter": "title = 'a'"})
	if okay(done, "recover"):
		equal([done["added"], done["records"][0]["action"]], [1, "added"])
	okay(await pb.collection("kept").get_one(first["id"]), "it is back")
	var left: Variant = await pb.collection("kept").get_one(second["id"])
	equal(left["title"], "c")
	refused(await pb.backups.recover("kept.zip", "kept"), 400, "", "nothing chosen")
	refused(await pb.backups.get_records("nothing.zip", "kept"), 404, "", "records")
	refused(await client().backups.get_records("kept.zip", "kept"), 401, "", "nobody")
	refused(await client().backups.recover("kept.zip", "kept", ids), 401, "", "nobody")
	okay(await pb.backups.delete("kept.zip"))
	okay(await pb.collections.delete("kept"))


func test_what_retention_would_do_and_how_long_jobs_took() -> void:
	var pb := await root()
	okay(await pb.backups.create("timed.zip"), "create")
	okay(await pb.backups.wait_until_finished("timed.zip", 60.0), "wait")
	var foresight: Variant = await pb.backups.preview_retention({"cronMaxKeep": 1})
	if okay(foresight, "preview"):
		equal([foresight["going"], typeof(foresight["going"])], [0, TYPE_INT])
		equal(foresight["backups"][0]["why"], ["byHand"])
	refused(await pb.backups.preview_retention({"cron": "never"}), 400, "", "preview")
	refused(await client().backups.preview_retention(), 401, "", "nobody")
	var page: Variant = await pb.backups.get_job_list(1, 1, {"kind": "create"})
	if okay(page, "jobs") and equal(page["items"].size(), 1):
		var job: Dictionary = page["items"][0]
		equal([job["key"], job["state"]], ["timed.zip", "succeeded"])
		check(job["size"] is int and job["size"] > 0 and job["duration"] is int, str(job))
	refused(await client().backups.get_job_list(), 401, "", "nobody")
	okay(await pb.backups.delete("timed.zip"))


func test_waiting_never_ends_with_an_older_job() -> void:
	var pb := await root()
	okay(await pb.backups.create("twice.zip"))
	var first: Variant = await pb.backups.wait_until_finished("twice.zip", 60.0)
	okay(first, "first")
	refused(await pb.backups.create("twice.zip"), 400, "already exists", "second")
	refused(await pb.backups.wait_until_finished("twice.zip", 60.0), 400, "already exists", "wait")
	refused(await pb.backups.wait_until_finished("", 60.0), 400, "already exists", "wait for any")
	okay(await pb.backups.verify("twice.zip"))
	var verified: Variant = await pb.backups.wait_until_finished("twice.zip", 60.0)
	if okay(verified, "verified"):
		equal(verified["kind"], "verify")
	okay(await pb.backups.verify("twice.zip"))
	var again: Variant = await pb.backups.wait_until_finished("twice.zip", 60.0)
	if okay(again, "verified again") and okay(verified):
		check(again["id"] != verified["id"], "the same job")
		check(again["started"] >= verified["finished"], str(again))
	# Somebody else knows of none that this client began, and none runs.
	refused(await (await root()).backups.wait_until_finished("twice.zip", 60.0), 404, "twice.zip")
	refused(
		await (await root()).backups.wait_until_finished("", 60.0),
		404,
		"any backup to wait for. Await the call that begins it"
	)
	okay(await pb.backups.delete("twice.zip"))
	refused(await pb.backups.wait_until_finished("twice.zip", 60.0), 404, "", "deleted")


func test_waiting_is_for_ones_own_job_also_when_there_is_a_newer_one() -> void:
	var pb := await root()
	var other := await root()
	okay(await pb.backups.create("own.zip"))
	await _idle(other)
	okay(await other.backups.verify("own.zip"))
	var theirs: Variant = await other.backups.wait_until_finished("own.zip", 60.0)
	var ours: Variant = await pb.backups.wait_until_finished("own.zip", 60.0)
	if okay(ours, "ours") and okay(theirs, "theirs"):
		equal([ours["kind"], theirs["kind"]], ["create", "verify"])
		var named: Variant = await other.backups.wait_until_finished(
			"own.zip", 60.0, {"job": ours["id"]}
		)
		if okay(named, "by its id"):
			equal(named, ours)
	refused(await pb.backups.wait_until_finished("", 60.0, {"job": "no-such-job"}), 404)


func test_a_second_restore_of_a_backup_is_not_taken_for_the_first() -> void:
	var pb := await root()
	okay(await pb.backups.create("again.zip"))
	okay(await pb.backups.wait_until_finished("again.zip", 60.0))
	var ids: Dictionary[String, bool] = {}
	for _time: int in 2:
		okay(await pb.backups.restore("again.zip"))
		var job: Variant = await pb.backups.wait_until_finished("again.zip", 60.0)
		if okay(job, "restored"):
			equal(job["kind"], "restore")
			ids[job["id"]] = true
	equal(ids.size(), 2)


func test_waiting_can_be_for_ever_and_be_cancelled() -> void:
	var pb := await root()
	okay(await pb.backups.create("for_ever.zip"))
	okay(await pb.backups.wait_until_finished("for_ever.zip", INF), "for ever")
	# What a proxy says while the server behind it restarts; between two questions it is quiet.
	var wire := Wire.new("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\n{}")
	var other := BosBase.new(wire.url)
	refused(await other.backups.wait_until_finished("x.zip", 0.6), 0, "502", "a proxy")
	var began := Time.get_ticks_msec()
	var got: Array = []
	var wait := func(p_options: Dictionary) -> void:
		got.append(await other.backups.wait_until_finished("x.zip", 60.0, p_options))
	wait.call({"request_key": "mine"})
	wait.call({})
	for _time: int in 3:
		await BosBaseClock.sleep(0.2)
	other.cancel_request("mine")
	await until(func() -> bool: return got.size() == 1, "cancelled by its key", 10.0)
	other.cancel_all_requests()
	await until(func() -> bool: return got.size() == 2, "cancelled with all", 10.0)
	for error: Variant in got:
		if refused(error, 0, "cancelled"):
			check(error.is_abort, "is_abort")
	check(Time.get_ticks_msec() - began < 30000, "it took too long")
	wire.stop()


func test_which_job_is_waited_for() -> void:
	var jobs := BosBaseBackupJobs.new()
	var list: Array = [
		{"id": "3", "kind": "verify", "key": "a.zip", "state": "running"},
		{"id": "2", "kind": "create", "key": "a.zip", "state": "succeeded"},
		{"id": "1", "kind": "create", "key": "a.zip", "state": "succeeded"},
	]
	var running := list.slice(0, 1)
	equal(jobs.wanted("a.zip", []).job(list), {}, "none begun")
	equal(jobs.wanted("a.zip", running).id, "3", "one that runs")
	equal(jobs.wanted("b.zip", running).id, "", "one of another backup")
	jobs.note("create", "a.zip", true)
	var own := jobs.wanted("a.zip", running)
	equal(own.job(list).get("id"), "2", "its own")
	var newer := {"id": "4", "kind": "create", "key": "a.zip", "state": "running"}
	equal(own.job([newer] + list).get("id"), "2", "its own, and not a newer one")
	equal(own.job([newer]), {}, "its own is not known any more")
	own.is_told = true
	equal(jobs.wanted("a.zip", running).id, "3", "one that runs after its own was told of")
	check(jobs.wanted("a.zip", []) == own, "its own once more")
	var error := ClientResponseError.new("", 400)
	jobs.note("create", "", error)
	check(jobs.wanted("", running).error == error, "what could not begin")
	check(jobs.wanted("a.zip", []) == own, "another")
	for number: int in 2 * BosBaseBackupJobs.MOST:
		jobs.note("create", "%d.zip" % number, true)
	equal(jobs._attempts.size(), BosBaseBackupJobs.MOST)
	equal(jobs.wanted("", []).key, "%d.zip" % (2 * BosBaseBackupJobs.MOST - 1), "the last of all")


func _idle(p_client: BosBase) -> void:
	for _try: int in 600:
		var status: Variant = await p_client.backups.status()
		if status is Dictionary and status["running"] == null:
			return
		await BosBaseClock.sleep(0.1)
	check(false, "a job runs for ever")
