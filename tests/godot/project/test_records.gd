extends Suite
## Collections, records, files, logins and the rest of the API.


func test_collections_and_records() -> void:
	var pb := await root()
	var fields := [
		{"type": "text", "name": "title", "required": true},
		{"type": "number", "name": "likes"},
		{"type": "bool", "name": "published"},
		{"type": "json", "name": "extra"},
	]
	var made: Variant = await pb.collections.create(
		{"name": "posts", "listRule": "published = true", "viewRule": "", "fields": fields}
	)
	if not okay(made, "collection"):
		return
	equal(made["name"], "posts")
	equal((await pb.collections.get_one("posts"))["id"], made["id"])
	var names: Array = (await pb.collections.get_full_list({"fields": "name"})).map(
		func(each: Dictionary) -> String: return each["name"]
	)
	check("posts" in names and "users" in names, str(names))
	check("base" in await pb.collections.get_scaffolds(), "scaffolds")
	var posts := pb.collection("posts")
	var first: Variant = await posts.create(
		{"title": "It's \\ üñí", "likes": 2, "extra": {"a": [1]}}
	)
	if not okay(first, "record"):
		return
	equal(first.title, "It's \\ üñí")
	equal(first.extra, {"a": [1.0]})
	equal((await posts.get_one(first.id))["id"], first.id)
	equal((await posts.update(first.id, {"likes+": 3})).likes, 5.0)
	for i: int in 5:
		okay(await posts.create({"title": "n%d" % i, "published": i % 2 == 0}))
	var page: Variant = await posts.get_list(2, 2, {"sort": "title", "fields": "title"})
	if okay(page):
		equal(page["page"], 2)
		equal(page["totalItems"], 6)
		equal(page["items"], [{"title": "n1"}, {"title": "n2"}])
	equal((await posts.get_full_list({"batch": 2})).size(), 6)
	var filter := pb.filter("title = {:t}", {"t": first.title})
	equal((await posts.get_first_list_item(filter))["id"], first.id)
	refused(await posts.get_first_list_item("title = 'nothing'"), 404)
	refused(await posts.get_one(""), 404)
	refused(await posts.create({}), 400, "title: Cannot be blank.")
	refused(await posts.get_list(1, 1, {"filter": "nothing = 1"}), 400)
	equal((await client().collection("posts").get_full_list()).size(), 3)
	refused(await client().collection("posts").create({"title": "x"}), 403)
	equal(await posts.delete(first.id), true)
	refused(await posts.get_one(first.id), 404)
	equal(await pb.collections.truncate("posts"), true)
	equal((await posts.get_list())["totalItems"], 0)
	var wanted := [{"name": "tags", "fields": [{"type": "text", "name": "label"}]}]
	equal(await pb.collections.import_collections(wanted), true)
	equal((await pb.collections.update("tags", {"listRule": ""}))["listRule"], "")
	# What was read can be sent back: its numbers are floats by then.
	var tags: Dictionary = await pb.collections.get_one("tags")
	tags["fields"].append({"type": "text", "name": "note", "max": 20.0})
	tags = await pb.collections.update("tags", tags)
	equal(
		tags["fields"].map(func(field: Dictionary) -> String: return field["name"]),
		["id", "label", "note"]
	)
	equal(tags["fields"][2]["max"], 20.0)
	var kept: Dictionary = await pb.settings.update({"backups": {"cronMaxKeep": 7.0}})
	equal(kept["backups"]["cronMaxKeep"], 7.0)
	equal(await pb.collections.delete("tags"), true)
	equal(await pb.collections.delete("posts"), true)
	refused(await pb.collections.get_one("posts"), 404)


func test_files_of_records() -> void:
	var pb := await root()
	var fields := [
		{"type": "text", "name": "title"},
		{"type": "file", "name": "one", "maxSize": 20_000_000},
		{"type": "file", "name": "more", "maxSelect": 9},
	]
	okay(await pb.collections.create({"name": "docs", "viewRule": "", "fields": fields}))
	var docs := pb.collection("docs")
	var bytes := Crypto.new().generate_random_bytes(1_000_000)
	var disk := FileAccess.open("user://note.txt", FileAccess.WRITE)
	disk.store_string("from disk")
	disk.close()
	var made: Variant = await (
		docs
		. create(
			{
				"title": 'typed "quotes"',
				"one": BosBaseFile.from_bytes('a "b".bin', bytes),
				"more":
				[
					BosBaseFile.from_path("user://note.txt"),
					BosBaseFile.from_bytes("c.txt", "c".to_utf8_buffer())
				],
			}
		)
	)
	if not okay(made, "create"):
		return
	equal(made.title, 'typed "quotes"')
	equal(made.more.size(), 2)
	var got := await fetch(pb.files.get_url(made, made.one))
	check(got == bytes, "%d bytes came back" % got.size())
	equal((await fetch(pb.files.get_url(made, made.more[0]))).get_string_from_utf8(), "from disk")
	var data := "d".to_utf8_buffer()
	var changed: Variant = await docs.update(
		made.id,
		{"more-": [made.more[0]]},
		{"files": {"more+": {"filename": "delta.txt", "data": data}}}
	)
	if okay(changed, "update"):
		equal(changed.more.size(), 2)
		check("delta_" in changed.more[1], str(changed.more))
	# One file stays, the other is replaced.
	var mixed: Array = [changed.more[0], BosBaseFile.from_bytes("e.txt", data)]
	var kept: Variant = await docs.update(made.id, {"more": mixed})
	if okay(kept, "a list of both") and equal(kept.more.size(), 2):
		equal(kept.more[0], changed.more[0])
		check(kept.more[1].begins_with("e"), str(kept.more))
	check(str(await pb.files.get_token()).count(".") == 2, "file token")
	refused(await client().files.get_token(), 401)
	okay(await pb.collections.delete("docs"))


func test_logins() -> void:
	var pb := await root()
	var account := {
		"email": "me@example.com", "password": "12345678", "passwordConfirm": "12345678"
	}
	var made: Variant = await pb.collection("users").create(account)
	var me := client()
	var users := me.collection("users")
	refused(
		await users.auth_with_password("me@example.com", "wrong"), 400, "Failed to authenticate."
	)
	equal(me.auth_store.token, "")
	var login: Variant = await users.auth_with_password("me@example.com", "12345678")
	if not okay(login, "login"):
		return
	equal(login["record"]["id"], made["id"])
	equal(me.auth_store.token, login["token"])
	check(me.auth_store.is_valid and not me.auth_store.is_superuser, "valid")
	check(pb.auth_store.is_superuser, "superuser")
	okay(await users.auth_refresh())
	equal((await users.update(made["id"], {"name": "Me"}))["name"], "Me")
	equal(me.auth_store.record["name"], "Me")
	equal((await users.list_auth_methods())["password"]["enabled"], true)
	equal(await users.list_external_auths(made["id"]), [])
	refused(await users.unlink_external_auth(made["id"], "google"), 404)
	var other: Variant = await pb.collection("users").impersonate(made["id"], 60)
	if check(other is BosBase, str(other)):
		equal((other as BosBase).auth_store.record["id"], made["id"])
		okay(await (other as BosBase).collection("users").get_one(made["id"]))
	equal(await users.delete(made["id"]), true)
	equal(me.auth_store.token, "")
	refused(await pb.collection("users").impersonate(made["id"]), 404)


func test_a_token_that_is_not_valid_counts_as_none() -> void:
	var pb := client()
	pb.auth_store.save("x.y.z")
	refused(await pb.backups.get_full_list(), 401)
	okay(await pb.health.check())


func test_settings_crons_logs_and_health() -> void:
	var pb := await root()
	var settings: Variant = await pb.settings.get_all()
	if okay(settings):
		check(settings.has("backups") and settings.has("meta"), str(settings.keys()))
	equal((await pb.settings.update({"meta": {"appName": "Godot"}}))["meta"]["appName"], "Godot")
	refused(await pb.settings.update({"backups": {"cron": "nonsense"}}), 400, "backups.cron")
	refused(await client().settings.get_all(), 401)
	var ids: Array = (await pb.crons.get_full_list()).map(
		func(each: Dictionary) -> String: return each["id"]
	)
	check("__pbLogsCleanup__" in ids, str(ids))
	equal(await pb.crons.run("__pbLogsCleanup__"), true)
	refused(await pb.crons.run("nothing"), 404)
	var health: Variant = await pb.health.check()
	if okay(health):
		equal(health["code"], 200)
		equal(typeof(health["data"]["canBackup"]), TYPE_BOOL)
	var found: Array = []
	for _try: int in 40:
		found = (await pb.logs.get_list(1, 1))["items"]
		if not found.is_empty():
			break
		await BosBaseClock.sleep(0.25)
	if check(not found.is_empty(), "logs"):
		equal((await pb.logs.get_one(found[0]["id"]))["id"], found[0]["id"])
		equal(typeof((await pb.logs.get_stats())[0]["total"]), TYPE_INT)
	refused(await pb.logs.get_one("nothing"), 404)


func test_a_webhook_is_tried() -> void:
	var pb := await root()
	refused(await pb.settings.test_webhook(), 400, "is not set")
	refused(await client().settings.test_webhook(), 401)
	var wire := Wire.new("HTTP/1.1 204 No Content\r\n\r\n")
	var hook := {"url": wire.url + "/hook", "secret": ""}
	okay(await pb.settings.update({"backups": {"alarmWebhook": hook}}))
	equal(await pb.settings.test_webhook(), true)
	check("POST /hook " in wire.said, wire.said)
	wire.stop()
	hook["url"] = ""
	okay(await pb.settings.update({"backups": {"alarmWebhook": hook}}))


func test_what_the_server_does_not_know_is_an_error() -> void:
	var pb := await root()
	refused(await pb.send("/api/no-such-thing"), 404, "File not found.")
	refused(
		await pb.send("/api/no-such-thing", {"method": "POST", "body": {}}), 404, "wasn't found"
	)
	refused(await pb.send("/api/health", {"method": "BREW"}), 0, "nothing that can be sent")
	refused(await pb.collection("no_such_collection").get_list(), 404, "collection context")
	refused(await pb.collection("no_such_collection").auth_with_password("a", "b"), 404)
