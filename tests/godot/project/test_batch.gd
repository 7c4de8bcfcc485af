extends Suite
## Several changes in one request, on our server and on PocketBase.


func test_several_changes_at_once() -> void:
	var pb := await _root()
	var fields := [
		{"type": "text", "name": "title", "required": true},
		{"type": "file", "name": "cover"},
		{"type": "file", "name": "more", "maxSelect": 9},
	]
	okay(await pb.collections.create({"name": "books", "fields": fields}))
	var books := pb.collection("books")
	var old: Variant = await books.create({"title": "old"})
	var gone: Variant = await books.create({"title": "gone"})
	var bytes := Crypto.new().generate_random_bytes(200_000)
	var cover := BosBaseFile.from_bytes("cover.bin", bytes)
	var batch := pb.create_batch()
	batch.collection("books").create({"title": "it's \\ new", "cover": cover})
	batch.collection("books").update(old["id"], {"title": "changed"}, {"fields": "title"})
	batch.collection("books").upsert({"id": "chosenbyourself", "title": "upserted"})
	batch.collection("books").upsert(
		{"id": gone["id"], "title": "still there", "more": [cover, cover]}
	)
	batch.collection("books").delete(gone["id"])
	var results: Variant = await batch.send()
	if not okay(results, "batch") or not equal(results.size(), 5):
		return
	var statuses: Array = results.map(func(each: Dictionary) -> int: return each["status"])
	equal(statuses, [200, 200, 200, 200, 204])
	equal(results[1]["body"], {"title": "changed"})
	equal(results[3]["body"]["more"].size(), 2)
	var made: Variant = await books.get_one(results[0]["body"]["id"])
	if okay(made):
		equal(made["title"], "it's \\ new")
		equal(await fetch(pb.files.get_url(made, made["cover"])), bytes)
	equal((await books.get_one("chosenbyourself"))["title"], "upserted")
	refused(await books.get_one(gone["id"]), 404)


func test_several_changes_happen_all_or_none() -> void:
	var pb := await _root()
	okay(
		await pb.collections.create(
			{"name": "notes", "fields": [{"type": "text", "name": "t", "required": true}]}
		)
	)
	var batch := pb.create_batch()
	batch.collection("notes").create({"t": "good"})
	batch.collection("notes").create({"t": ""})
	var error: Variant = await batch.send()
	if refused(error, 400):
		var wrong: Dictionary = error.data["requests"]["1"]["response"]
		equal(wrong["data"]["t"]["code"], "validation_required")
	equal((await pb.collection("notes").get_list())["totalItems"], 0)
	equal(await pb.create_batch().send() is ClientResponseError, true, "an empty one")


func test_a_server_that_takes_no_batches_says_so() -> void:
	var pb := await root()
	okay(await pb.settings.update({"batch": {"enabled": false}}))
	var batch := pb.create_batch()
	batch.collection("users").delete("missing00000000")
	refused(await batch.send(), 403, "not allowed")


# A superuser of a server that takes batches.
func _root() -> BosBase:
	var pb := await root()
	okay(await pb.settings.update({"batch": {"enabled": true}}))
	return pb
