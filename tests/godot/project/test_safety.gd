extends Suite
## What comes from outside stays what it is: it begins no header and no other request, is shown in no
## error, and lies on no disk in the clear.

const OK_HEAD := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"


func test_nothing_ends_a_line_of_the_request() -> void:
	var wire := Wire.new(OK_HEAD + "{}")
	var pb := BosBase.new(wire.url, null, "de\r\nX-Lang: 1")
	pb.auth_store.save("a\r\nX-Token: 1")
	var path := "/api/x y\r\nX-Path: 1?q=ü\r\nX-Query: 1#part"
	okay(await pb.send(path, {"headers": {"X-A\r\nX-Name": "1\r\nX-Value: 1"}}))
	for name: String in ["X-Lang", "X-Token", "X-Path", "X-Query", "X-Name", "X-Value"]:
		check("\n" + name not in wire.said, "%s: %s" % [name, wire.said])
	var line := "GET /api/x%20y%0D%0AX-Path:%201?q=%C3%BC%0D%0AX-Query:%201 HTTP/1.1\r\n"
	check(wire.said.begins_with(line), wire.said)
	wire.stop()


# A record called ".." is its collection, for every proxy on the way: it was deleted with it.
func test_an_id_never_means_another_address() -> void:
	var pb := await root()
	for id: String in [".", ".."]:
		refused(await pb.collection("users").delete(id), 0, "nothing that can be sent", id)
		refused(await pb.collections.delete(id), 0, "nothing that can be sent", id)
		refused(await pb.backups.delete(id), 0, "nothing that can be sent", id)
	refused(await pb.send("/api/x/%2E%2e/health"), 0, "nothing that can be sent")
	for id: String in ["../..", "%2e%2e", "a/b", "a?b", "a#b"]:
		refused(await pb.collection("users").delete(id), 404, "", id)
	okay(await pb.collections.get_one("users"))
	okay(await pb.send("/api/health?x=/../"), "a query may hold anything")
	refused(await BosBase.new(url.replace("//", "//me:word@")).health.check(), 0)
	refused(await BosBase.new("http://127.0.0.1 :80").health.check(), 0)
	okay(await BosBase.new(url.replace("http", "HTTP")).health.check(), "the scheme's case")


func test_errors_show_no_tokens() -> void:
	var nobody := BosBase.new("http://127.0.0.1:1")
	var error: Variant = await nobody.send("/x?token=secret&a=b", {"token": "secret"})
	if refused(error, 0):
		equal(error.url, "http://127.0.0.1:1/x?token=…&a=b&token=…")
	error = await BosBase.new("http://me:secret@127.0.0.1:1").health.check()
	if refused(error, 0):
		check("secret" not in error.url + error.to_string(), error.url + error.to_string())
	var pb := await root()
	error = await pb.backups.download("nothing.zip", "user://nothing.zip")
	if refused(error, 404):
		check(error.url.ends_with("/api/backups/nothing.zip?token=…"), error.url)
	var wire := Wire.new(
		"HTTP/1.1 302 Found\r\nLocation: https://x/y?token=secret\r\nContent-Length: 0\r\n\r\n"
	)
	error = await BosBase.new(wire.url).health.check()
	refused(error, 302, "The server is elsewhere: https://x/y?token=….", "no one is followed")
	wire.stop()


# An empty phrase is a key that everybody knows.
func test_a_login_is_not_kept_without_a_pass_phrase() -> void:
	var store := BosBaseEncryptedAuthStore.new("user://open", "")
	equal(store.last_error, ERR_UNCONFIGURED)
	var failed: Array = []
	store.failed.connect(func(p_error: Error) -> void: failed.append(p_error))
	okay(await BosBase.new(url, store).admins().auth_with_password(EMAIL, PASSWORD))
	equal(failed, [ERR_UNCONFIGURED])
	check(store.is_superuser, "not even logged in")
	check(not FileAccess.file_exists("user://open"), "written")
	check(not FileAccess.file_exists("user://open.new"), "written beside it")


func test_a_kept_login_is_for_its_owner() -> void:
	var store := BosBaseEncryptedAuthStore.new("user://owned", "a pass phrase")
	store.save("a.token", {})
	equal(FileAccess.get_unix_permissions("user://owned") & 63, 0)
	var left := FileAccess.open("user://owned.new", FileAccess.WRITE)
	left.store_string("of a write that never ended")
	left.close()
	store.clear()
	check(not FileAccess.file_exists("user://owned"), "cleared")
	check(not FileAccess.file_exists("user://owned.new"), "what lay beside it")


func test_an_answer_that_is_something_else_is_an_error() -> void:
	var wire := Wire.new(OK_HEAD + "{}")
	var pb := BosBase.new(wire.url)
	refused(await pb.backups.get_full_list(), 200, "a list", "backups")
	refused(await pb.crons.get_full_list(), 200, "a list", "crons")
	refused(await pb.logs.get_stats(), 200, "a list", "logs")
	refused(await pb.collections.get_full_list(), 200, "a list", "collections")
	refused(await pb.collection("x").get_first_list_item("a = 1"), 404, "", "an item")
	refused(await pb.files.get_token(), 200, "a token", "a file token")
	refused(await pb.admins().auth_with_password("a", "b"), 200, "a login", "a login")
	equal(pb.auth_store.token, "")
	wire.stop()
	wire = Wire.new("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull")
	equal(await BosBase.new(wire.url).send("/x"), {}, "nothing")
	wire.stop()


func test_a_hook_that_only_looks_changes_nothing() -> void:
	var pb := client()
	var seen: Array = []
	pb.after_send = func(p_response: Dictionary, _data: Variant, _options: Dictionary) -> void:
		seen.append(p_response["status"])
	var health: Variant = await pb.health.check()
	if okay(health):
		equal(health["code"], 200)
	equal(seen, [200])


func test_what_is_no_file_is_not_left_out_in_silence() -> void:
	var pb := await root()
	refused(await pb.backups.upload({"file": "x.zip"}), 0, "What is given for file is no file.")
	var wrong := {"files": {"cover": {"filename": "x.png"}}}
	refused(await pb.collection("users").create({}, wrong), 0, "cover is no file")


# All bytes of a picture were printed, as numbers.
func test_bytes_that_are_no_file_are_not_printed() -> void:
	var pb := await root()
	var fields := [{"type": "file", "name": "picture"}]
	okay(await pb.collections.create({"name": "pictures", "fields": fields}))
	var bytes := PackedByteArray()
	bytes.resize(20000)
	bytes.fill(77)
	var error: Variant = await pb.collection("pictures").create({"picture": bytes})
	refused(error, 400, "BosBaseFile.from_bytes(name, bytes)")
	check(str(error).length() < 600, "%d characters" % str(error).length())
	okay(
		await pb.collection("pictures").create({"picture": BosBaseFile.from_bytes("a.png", bytes)})
	)
	okay(await pb.collections.delete("pictures"))


func test_an_address_without_its_scheme_is_told_so() -> void:
	var missing := "has to begin with http:// or https://"
	for address: String in ["127.0.0.1:8090", "localhost", "ftp://127.0.0.1", ""]:
		refused(await BosBase.new(address).health.check(), 0, missing, address)
	var error: Variant = await BosBase.new("http://127.0.0.1 :80").health.check()
	check(missing not in str(error), "it has one: %s" % error)


# Fourteen digits were sent, and a time lost its milliseconds.
func test_numbers_keep_all_their_digits() -> void:
	var pb := await root()
	var fields := [{"type": "json", "name": "extra"}, {"type": "number", "name": "n"}]
	okay(await pb.collections.create({"name": "numbers", "fields": fields}))
	var numbers := pb.collection("numbers")
	var values: Array[float] = [
		1764099435.123456, 1.0 / 3.0, 0.1, 1e-7, 123456789.12345679, 1e15 / 3.0
	]
	for value: float in values:
		var made: Variant = await numbers.create({"extra": {"v": value}, "n": value})
		if okay(made, str(value)):
			equal(made["extra"]["v"], value)
			equal(made["n"], value)
			var filter := pb.filter("n = {:n}", {"n": value})
			okay(await numbers.get_first_list_item(filter), filter)
	equal(pb.filter("{:a} {:b}", {"a": 0.1, "b": 1e-7}), "0.1 0.0000001")
	okay(await pb.collections.delete("numbers"))


func test_bodies_keep_their_order() -> void:
	var wire := Wire.new(OK_HEAD + "{}")
	okay(await BosBase.new(wire.url).send("/x", {"method": "POST", "body": {"b": 1, "a": 2}}))
	await until(func() -> bool: return "}" in wire.said, "the body")
	check('{"b":1,"a":2}' in wire.said, wire.said)
	wire.stop()


func test_several_changes_have_queries_of_their_own() -> void:
	var batch := client().create_batch()
	var options := {"query": {"fields": "id"}, "expand": "x", "timeout": 3.0, "headers": {"a": "b"}}
	batch.collection("users").create({"n": 1}, options)
	var request: Dictionary = batch._requests[0]
	equal(request["url"], "/api/collections/users/records?expand=x&fields=id")
	equal([request["headers"], request["body"]], [{"a": "b"}, {"n": 1}])


func test_an_event_without_an_end_is_given_up() -> void:
	var parser := BosBaseEventParser.new()
	var line := "data: %s\n" % "x".repeat(1 << 20)
	for _number: int in 70:
		parser.feed(line.to_utf8_buffer())
	check("too long" in parser.problem, "many lines")
	parser = BosBaseEventParser.new()
	var bytes := PackedByteArray()
	bytes.resize(1 << 20)
	bytes.fill(120)
	for _number: int in 70:
		parser.feed(bytes)
	check("too long" in parser.problem, "one line")
