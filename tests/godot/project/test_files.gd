extends Suite
## Files of records, downloaded to disk.
##
## By `HTTPRequest.download_file` the body of a refusal lay where the file was to be, and counted as
## a success.

const WAS := "what was there before"

var _record: Dictionary


func test_a_file_comes_down_as_it_is() -> void:
	var pb := await _ready_root()
	var bytes := Crypto.new().generate_random_bytes(3_000_000)
	var file := BosBaseFile.from_bytes("a b ü.bin", bytes)
	var made: Variant = await pb.collection("kept").create({"open": file})
	if not okay(made, "create"):
		return
	var seen: Array = []
	var progress := func(p_done: int, p_total: int) -> void: seen.append([p_done, p_total])
	var path := "user://open.bin"
	var stranger := client()
	var options := {"on_progress": progress}
	equal(await stranger.files.download(made, made["open"], path, options), true)
	check(FileAccess.get_file_as_bytes(path) == bytes, "not the same bytes")
	equal(seen[-1], [3_000_000, 3_000_000])
	equal(_beside(path), PackedStringArray())
	# What is there is replaced.
	_write(path, WAS)
	equal(await stranger.files.download(made, made["open"], path), true)
	check(FileAccess.get_file_as_bytes(path) == bytes, "not replaced")
	# By the collection's name, and an empty file.
	var empty: Variant = await pb.collection("kept").create(
		{"open": BosBaseFile.from_bytes("empty.txt", PackedByteArray())}
	)
	if okay(empty, "an empty file"):
		var short := {"id": empty["id"], "collectionName": "kept"}
		equal(await stranger.files.download(short, empty["open"], path), true)
		equal(FileAccess.get_file_as_bytes(path).size(), 0)


func test_a_picture_comes_down_smaller() -> void:
	var pb := await _ready_root()
	var image := Image.create_empty(64, 64, false, Image.FORMAT_RGB8)
	var file := BosBaseFile.from_bytes("a.png", image.save_png_to_buffer())
	var made: Variant = await pb.collection("kept").create({"open": file})
	if okay(made, "create"):
		var path := "user://small.png"
		equal(await pb.files.download(made, made["open"], path, {"thumb": "16x16"}), true)
		equal(Image.load_from_file(path).get_size(), Vector2i(16, 16))


func test_a_protected_file_needs_a_token() -> void:
	var pb := await _ready_root()
	var stranger := client()
	var path := "user://safe.txt"
	var name: String = _record["safe"]
	_write(path, WAS)
	var refusal: Variant = await pb.files.download(_record, name, path)
	refused(refusal, 404, "wasn't found", "no token, though logged in")
	refused(await stranger.files.download(_record, name, path, {"token": "x.y.z"}), 404)
	# Nobody gives a stranger a token: its error is the answer, whoever asks for it.
	refused(await stranger.files.download(_record, name, path, {"token": true}), 401)
	var none: Variant = await stranger.files.get_token()
	refused(await stranger.files.download(_record, name, path, {"token": none}), 401)
	_is_as_it_was(path)
	var token: Variant = await pb.files.get_token()
	equal(await stranger.files.download(_record, name, path, {"token": token}), true)
	equal(FileAccess.get_file_as_string(path), "safe")
	_write(path, WAS)
	equal(await pb.files.download(_record, name, path, {"token": true}), true)
	equal(FileAccess.get_file_as_string(path), "safe")


func test_what_does_not_come_leaves_what_was_there() -> void:
	var pb := await _ready_root()
	var path := "user://was.txt"
	_write(path, WAS)
	refused(await pb.files.download(_record, "no-such-file.txt", path), 404, "wasn't found")
	_is_as_it_was(path)
	var missing := {"id": "nosuchrecord000", "collectionId": _record["collectionId"]}
	refused(await pb.files.download(missing, "a.txt", path), 404)
	_is_as_it_was(path)
	var lost := BosBase.new("http://127.0.0.1:1")
	refused(await lost.files.download(_record, _record["open"], path), 0, "Nobody answers")
	_is_as_it_was(path)
	for answer: String in [
		'HTTP/1.1 403 Forbidden\r\nContent-Length: 16\r\n\r\n{"message":"no"}',
		"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n",
		"HELLO WORLD\r\n\r\n",
	]:
		var wire := Wire.new(answer)
		var result: Variant = await BosBase.new(wire.url).files.download(_record, "a.txt", path)
		var status := answer.get_slice(" ", 1).to_int()
		refused(result, status, "", answer)
		_is_as_it_was(path)
		wire.stop()
	var silent := Wire.new("")
	var slow := BosBase.new(silent.url)
	refused(await slow.files.download(_record, "a.txt", path, {"timeout": 0.3}), 0, "0.3 seconds")
	var cancel := func() -> void: slow.cancel_request("d")
	tree().create_timer(0.2).timeout.connect(cancel)
	var error: Variant = await slow.files.download(_record, "a.txt", path, {"request_key": "d"})
	if refused(error, 0, "cancelled"):
		check(error.is_abort, "is_abort")
	_is_as_it_was(path)
	silent.stop()
	refused(await pb.files.download({}, "a.txt", path), 0, "collectionId")
	refused(await pb.files.download(_record, "", path), 0, "name")
	_is_as_it_was(path)


func test_where_nothing_can_be_written_it_is_said() -> void:
	var pb := await _ready_root()
	var name: String = _record["open"]
	var nowhere := "user://no/such/folder/a.txt"
	refused(await pb.files.download(_record, name, nowhere), 0, "Cannot write " + nowhere)
	# The whole file is there, and cannot be put in its place.
	okay(DirAccess.make_dir_recursive_absolute("user://folder/full") == OK)
	refused(await pb.files.download(_record, name, "user://folder"), 0, "Cannot write")
	check(DirAccess.dir_exists_absolute("user://folder/full"), "the folder is gone")
	equal(_beside("user://folder"), PackedStringArray())
	refused(await pb.files.download(_record, name, ""), 0, "Cannot write")


# Both wrote to one neighbour: the first was there with holes, the second failed.
func test_two_downloads_to_one_path_do_not_meet() -> void:
	var pb := await _ready_root()
	var bytes := Crypto.new().generate_random_bytes(4_000_000)
	var file := BosBaseFile.from_bytes("two.bin", bytes)
	var made: Variant = await pb.collection("kept").create({"open": file})
	if not okay(made, "create"):
		return
	var path := "user://two.bin"
	var answers: Array = []
	var whole: Array = []
	for _number: int in 4:
		var fetch_one := func() -> void:
			answers.append(await pb.files.download(made, made["open"], path))
			whole.append(FileAccess.get_file_as_bytes(path) == bytes)
		fetch_one.call()
	await until(func() -> bool: return whole.size() == 4, "all")
	equal(answers, [true, true, true, true])
	equal(whole, [true, true, true, true])
	equal(_beside(path), PackedStringArray())


# A superuser, and once the collection and the record that the tests have in common.
func _ready_root() -> BosBase:
	var pb := await root()
	if not _record.is_empty():
		return pb
	var fields := [
		{"type": "file", "name": "open", "maxSize": 20_000_000, "thumbs": ["16x16"]},
		{"type": "file", "name": "safe", "protected": true},
	]
	okay(await pb.collections.create({"name": "kept", "fields": fields}), "collection")
	var made: Variant = await (
		pb
		. collection("kept")
		. create(
			{
				"open": BosBaseFile.from_bytes("open.txt", "open".to_utf8_buffer()),
				"safe": BosBaseFile.from_bytes("safe.txt", "safe".to_utf8_buffer()),
			}
		)
	)
	if okay(made, "record"):
		_record = made
	return pb


func _write(p_path: String, p_text: String) -> void:
	var file := FileAccess.open(p_path, FileAccess.WRITE)
	file.store_string(p_text)


func _is_as_it_was(p_path: String) -> void:
	equal(FileAccess.get_file_as_string(p_path), WAS)
	equal(_beside(p_path), PackedStringArray())


# What lies beside a file under a name that begins as its own.
func _beside(p_path: String) -> PackedStringArray:
	var found := PackedStringArray()
	for name: String in DirAccess.get_files_at(p_path.get_base_dir()):
		if name.begins_with(p_path.get_file() + "."):
			found.append(name)
	return found
