class_name Example
extends Node
## What the examples of a document take for granted: a client that is logged in, and backups of certain names.

const EMAIL := "admin@example.com"
const PASSWORD := "password"
const SEEDS: PackedStringArray = ["pb_backup_20230518162514.zip", "pb_backup_20230519162514.zip"]

# As the examples have it: without a type.
var pb


func example() -> void:
	pass


## Logs in and sees to it that the backups are there.
func prepare() -> void:
	await as_superuser()
	await idle()
	var there := await keys()
	for seed_name: String in SEEDS:
		if seed_name not in there:
			archive(seed_name)
			var result: Variant = await pb.backups.upload_file("user://" + seed_name)
			if result is ClientResponseError:
				print("@wrong cannot prepare: ", result)


func as_superuser() -> void:
	pb = BosBase.new(OS.get_cmdline_user_args()[0])
	# A server that restarts says so.
	for _try: int in 50:
		var result: Variant = await pb.admins().auth_with_password(EMAIL, PASSWORD)
		if not result is ClientResponseError:
			return
		await get_tree().create_timer(0.1).timeout
	print("@wrong cannot log in")


func as_user() -> void:
	await as_superuser()
	var user := {"email": "u@example.com", "password": PASSWORD, "passwordConfirm": PASSWORD}
	await pb.collection("users").create(user)
	await pb.collection("users").auth_with_password("u@example.com", PASSWORD)


## A copy of the archive that all backups of the examples are, under a name of its own.
func archive(p_name: String) -> String:
	DirAccess.copy_absolute(ProjectSettings.globalize_path("res://seed.zip"), "user://" + p_name)
	return "user://" + p_name


func keys() -> Array:
	await idle()
	var found: Variant = await pb.backups.get_full_list()
	if found is ClientResponseError:
		return [str(found)]
	return found.map(func(each: Dictionary) -> String: return each.key)


func size_of(p_key: String) -> int:
	for backup: Dictionary in await pb.backups.get_full_list():
		if backup.key == p_key:
			return backup.size
	return -1


## Waits until no job runs.
func idle() -> void:
	for _try: int in 200:
		var status: Variant = await pb.backups.status()
		if status is Dictionary and status["running"] == null:
			return
		if status is ClientResponseError and status.status in [401, 403]:
			return
		await get_tree().create_timer(0.05).timeout


## Whether the last job was a restore of this backup that succeeded.
func restored(p_key: String) -> bool:
	var job: Variant = await pb.backups.wait_until_finished(p_key, 60.0)
	return job is Dictionary and job["kind"] == "restore"


## Waits until all requests of the example have ended.
func downloads() -> void:
	for child: Node in get_children():
		if child is HTTPRequest and not child.is_queued_for_deletion():
			for _frame: int in 600:
				if child.get_http_client_status() == HTTPClient.STATUS_DISCONNECTED:
					break
				await get_tree().process_frame
			child.queue_free()
	await get_tree().process_frame
