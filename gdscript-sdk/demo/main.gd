extends MarginContainer
## A small backup manager: log in, list, make and upload with progress, download, verify, and after
## asking delete, restore and take that back.

var _pb: BosBase
var _confirmed: Callable

@onready var _address: LineEdit = %Address
@onready var _email: LineEdit = %Email
@onready var _password: LineEdit = %Password
@onready var _backups: Tree = %Backups
@onready var _new_name: LineEdit = %NewName
@onready var _progress: ProgressBar = %Progress
@onready var _said: Label = %Said
@onready var _save_as: FileDialog = %SaveAs
@onready var _open: FileDialog = %Open
@onready var _confirm: ConfirmationDialog = %Confirm
@onready var _undo: Button = %Undo
@onready
var _buttons: Array[Button] = [%Create, %Download, %Verify, %Restore, %Upload, %Delete, %Undo]


func _ready() -> void:
	for column: int in 4:
		_backups.set_column_title(column, ["Backup", "Size", "Made (UTC)", "Proven (UTC)"][column])
		_backups.set_column_title_alignment(column, HORIZONTAL_ALIGNMENT_LEFT)
		_backups.set_column_expand_ratio(column, [4, 1, 2, 2][column])
	(%Enter as Button).pressed.connect(log_in)
	_password.text_submitted.connect(func(_text: String) -> void: log_in())
	(%Create as Button).pressed.connect(make)
	(%Download as Button).pressed.connect(_ask_where)
	(%Verify as Button).pressed.connect(verify)
	(%Restore as Button).pressed.connect(_ask_to_restore)
	(%Upload as Button).pressed.connect(_open.popup_centered_ratio.bind(0.8))
	(%Delete as Button).pressed.connect(_ask_to_delete)
	_undo.pressed.connect(_ask_to_undo)
	_save_as.file_selected.connect(download)
	_open.file_selected.connect(upload)
	_confirm.confirmed.connect(func() -> void: _confirmed.call())
	_set_busy(true)


## Logs in as what the fields hold, and follows the server's jobs.
func log_in() -> void:
	var client := BosBase.new(_address.text.strip_edges())
	var result: Variant = await client.admins().auth_with_password(_email.text, _password.text)
	if _failed(result):
		return
	_pb = client
	_password.clear()
	var stop: Variant = await _pb.realtime.subscribe("@backups", _show_job)
	_say("Logged in as %s." % _email.text)
	if stop is ClientResponseError:
		_say("Logged in, but no progress will be shown: %s" % stop)
	await refresh()


## Reads the list anew.
func refresh() -> void:
	var backups: Variant = await _pb.backups.get_full_list()
	var status: Variant = await _pb.backups.status()
	_set_busy(false)
	if _failed(backups):
		return
	# Another server, as PocketBase, keeps nothing for an undo.
	_undo.disabled = not status is Dictionary or status.get("undo") == null
	_backups.clear()
	var root := _backups.create_item()
	for backup: Dictionary in backups:
		var row := _backups.create_item(root)
		row.set_text(0, backup.key)
		row.set_text(1, String.humanize_size(backup.size))
		row.set_text(2, _time(backup.modified))
		# Another server, as PocketBase, says nothing of it.
		row.set_text(3, _time(backup.get("proven", "")))
		if not backup.get("proofError", "").is_empty():
			row.set_text(3, "damaged")
			row.set_tooltip_text(3, backup.proofError)


## Makes a backup of the name in the field.
func make() -> void:
	_set_busy(true)
	var began: Variant = await _pb.backups.create(_new_name.text)
	if not _failed(began):
		await _follow(_new_name.text, "made")
	_new_name.clear()
	await refresh()


## Downloads the chosen backup.
func download(p_path: String) -> void:
	_set_busy(true)
	var options := {"on_progress": _show_progress}
	var result: Variant = await _pb.backups.download(_chosen(), p_path, options)
	if not _failed(result):
		_say("Downloaded to %s." % p_path)
	_set_busy(false)


## Takes in a backup from disk under its own name.
func upload(p_path: String) -> void:
	_set_busy(true)
	var key := p_path.get_file()
	var options := {"on_progress": _show_progress}
	if not _failed(await _pb.backups.upload_file(p_path, "", options)):
		_say("%s is uploaded. Verify it before you rely on it." % key)
	await refresh()


## Deletes the chosen backup.
func delete() -> void:
	_set_busy(true)
	var key := _chosen()
	if not _failed(await _pb.backups.delete(key)):
		_say("%s is deleted." % key)
	await refresh()


## Has the chosen backup read from end to end.
func verify() -> void:
	_set_busy(true)
	var key := _chosen()
	if not _failed(await _pb.backups.verify(key)):
		await _follow(key, "verified: whole and undamaged")
	await refresh()


## Replaces all data by the chosen backup's.
func restore() -> void:
	_set_busy(true)
	var key := _chosen()
	if not _failed(await _pb.backups.restore(key)):
		_say("The server restarts…")
		await _follow(key, "restored")
	await refresh()


## Brings back the data that the last restore replaced.
func undo() -> void:
	_set_busy(true)
	if not _failed(await _pb.backups.undo_restore()):
		_say("The server restarts…")
		await _follow("", "taken back")
	await refresh()


func _follow(p_key: String, p_done: String) -> void:
	var job: Variant = await _pb.backups.wait_until_finished(p_key, 3600.0)
	if not _failed(job):
		_say("%s is %s." % [job["key"], p_done])


func _ask_where() -> void:
	if _chosen().is_empty():
		return
	_save_as.current_file = _chosen()
	_save_as.popup_centered_ratio(0.8)


func _ask_to_restore() -> void:
	if _chosen().is_empty():
		return
	var text := "All data of %s becomes what it was in %s. An undo brings back what came after it."
	_ask("Restore", text % [_pb.base_url, _chosen()], "Replace all data", restore)


func _ask_to_delete() -> void:
	if _chosen().is_empty():
		return
	_ask("Delete", "%s is gone then, for good." % _chosen(), "Delete", delete)


func _ask_to_undo() -> void:
	var text := "All data of %s becomes what it was before the last restore."
	_ask("Undo", text % _pb.base_url, "Bring it back", undo)


func _ask(p_title: String, p_text: String, p_ok: String, p_confirmed: Callable) -> void:
	_confirmed = p_confirmed
	_confirm.title = p_title
	_confirm.dialog_text = p_text
	_confirm.ok_button_text = p_ok
	_confirm.popup_centered(Vector2i(460, 0))


func _time(p_moment: String) -> String:
	return p_moment.replace("T", " ").get_slice(".", 0)


func _chosen() -> String:
	var row := _backups.get_selected()
	if row == null:
		_say("Choose a backup first.")
		return ""
	return row.get_text(0)


# What the server tells of its jobs, also of those that others began.
func _show_job(p_job: Dictionary) -> void:
	_show_progress(int(p_job["bytesDone"]), int(p_job["bytesTotal"]))
	if p_job["state"] == "running":
		_say("%s of %s is running…" % [p_job["kind"].capitalize(), p_job["key"]])


func _show_progress(p_done: int, p_total: int) -> void:
	_progress.max_value = maxi(p_total, 1)
	_progress.value = p_done


func _failed(p_result: Variant) -> bool:
	if p_result is ClientResponseError:
		_say(p_result.to_string())
		return true
	return false


func _say(p_text: String) -> void:
	_said.text = p_text


func _set_busy(p_busy: bool) -> void:
	for button: Button in _buttons:
		button.disabled = p_busy
