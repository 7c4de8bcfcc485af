@tool
class_name BosBaseBackupService
extends BosBaseService
## Backups of all of the application's data. For superusers only.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

const _PATH: String = "/api/backups"
# Statuses of servers, and of proxies before them, that are restarting.
const _PASSING: Array[int] = [0, 502, 503, 504]

var _jobs: BosBaseBackupJobs = BosBaseBackupJobs.new()


## Every backup, newest first:
## [code]{key, size, modified, proven, proofDepth, proofError, missing}[/code].
## [code]proven[/code] is when it was last read to its end and found whole.
func get_full_list(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send_for_list(_PATH, p_options)
	for backup: Variant in BosBaseValue.array(result):
		_whole(backup, ["size", "missing"])
	return result


## Starts a backup and answers [code]true[/code] at once; see [method wait_until_finished]. The name
## is lower case letters, digits, [code]_[/code] and [code]-[/code] and ends in [code].zip[/code];
## without one the server makes one up.
func create(p_name: String = "", p_options: Dictionary = {}) -> Variant:
	var body: Dictionary = {} if p_name.is_empty() else {"name": p_name}
	return await _begin("create", p_name, _PATH, p_options, body)


## Takes in a backup: [code]{"file": {"filename": …, "content_type": "application/zip", "data":
## PackedByteArray}}[/code] or [code]{"file": BosBaseFile}[/code]. For one that is on disk see
## [method upload_file].
func upload(p_files: Dictionary, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = p_options.duplicate()
	options["files"] = p_files
	var file: BosBaseFile = BosBaseFile.from_value(p_files.get("file"), "file")
	var key: String = file.filename if file != null else ""
	return await _begin("upload", key, _PATH + "/upload", options)


## Takes in a backup from disk, of any size, under [param p_name] or the file's own.
func upload_file(p_path: String, p_name: String = "", p_options: Dictionary = {}) -> Variant:
	var file: BosBaseFile = BosBaseFile.from_path(p_path, p_name, "application/zip")
	return await upload({"file": file}, p_options)


## Deletes a backup; answers [code]true[/code].
func delete(p_key: String, p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _do("DELETE", _key_path(p_key), p_options)
	if not result is ClientResponseError:
		_jobs.forget(p_key)
	return result


## Replaces all data by the backup's and restarts the server. Answers [code]true[/code] once the
## archive is seen to be one; see [method wait_until_finished] for the end.
func restore(p_key: String, p_options: Dictionary = {}) -> Variant:
	return await _begin("restore", p_key, _key_path(p_key) + "/restore", p_options)


## Brings back the data that the last restore replaced, and restarts the server. [method status]
## tells of it as [code]undo[/code], [code]null[/code] where there is none; see
## [method wait_until_finished] for the end.
func undo_restore(p_options: Dictionary = {}) -> Variant:
	return await _begin("undo", "", _PATH + "/undo-restore", p_options)


## Asks what runs to end, or the job [param p_id] alone, as [method status] has it; answers
## [code]true[/code] at once. It ends as failed, and [code]stopped[/code]; what was made before
## stays. An error with status 400 where nothing runs, or what runs can't be taken back any more.
func cancel(p_id: String = "", p_options: Dictionary = {}) -> Variant:
	var body: Variant = null
	if not p_id.is_empty():
		body = {"id": p_id}
	return await _do("POST", _PATH + "/cancel", p_options, body)


## Starts reading a backup from end to end, to hold it against its manifest; answers
## [code]true[/code] at once.
func verify(p_key: String, p_options: Dictionary = {}) -> Variant:
	return await _begin("verify", p_key, _key_path(p_key) + "/verify", p_options)


## What is running, what became of what ran, newest first, and what could be undone: [code]{running,
## jobs, undo}[/code]. A job is [code]{id, kind, key, state, phase, error, warning, bytesDone,
## bytesTotal, started, finished}[/code].
func status(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("GET", _PATH + "/status", p_options)
	if result is Dictionary:
		var told: Dictionary = result
		for job: Variant in BosBaseValue.array(told.get("jobs")):
			_whole(job, ["bytesDone", "bytesTotal", "size"])
		_whole(told.get("running"), ["bytesDone", "bytesTotal", "size"])
	return result


## What [method undo_restore] would change: [code]{undo, comparison}[/code]. [code]undo[/code] is as
## in [method status], and [code]comparison[/code] as in [method content], of the data that is kept
## with the data of now. Both are [code]null[/code] where there is nothing to undo.
func undo_content(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("GET", _PATH + "/undo-restore", p_options)
	if result is Dictionary:
		var told: Dictionary = result
		_whole_comparison(told.get("comparison"))
	return result


## What a backup holds, as its proof wrote it down: [code]{key, size, age, known, unknown, created,
## counted, databases, collections, files, …}[/code]; a collection is [code]{id, name, type,
## records, files, fileBytes}[/code]. Where nobody has looked into it yet, [code]known[/code] is
## [code]false[/code], and [code]unknown[/code] says what to do.[br]
## With [param p_compare] [code]comparison[/code] holds it against the data of now:
## [code]{complete, collections, gone, settings, …}[/code], or is [code]null[/code] where it is not
## known. [code]changes[/code] of a collection there names the fields, rules, indexes and options
## that a restore would change: [code]{fields, rules, indexes, options, more}[/code].
func content(p_key: String, p_compare: bool = false, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = p_options
	if p_compare:
		options = {"compare": true}.merged(p_options, true)
	var result: Variant = await _send("GET", _key_path(p_key) + "/content", options)
	if result is Dictionary:
		var told: Dictionary = result
		_whole(told, ["size", "age", "missing", "format", "moreCollections"])
		_whole_parts(told)
		_whole_comparison(told.get("comparison"))
	return result


## One page of the records of a collection in a backup, each beside the one of now: [code]{page,
## perPage, totalItems, totalPages, collection, collectionNow, items}[/code], where an item is
## [code]{state, changed, record}[/code]; its state is [code]"gone"[/code],
## [code]"changed"[/code] or [code]"same"[/code]. The options may hold [code]page[/code],
## [code]perPage[/code], [code]filter[/code], [code]sort[/code] and [code]state[/code], which leaves
## those of one state.
func get_records(p_key: String, p_collection: String, p_options: Dictionary = {}) -> Variant:
	var path: String = _key_path(p_key) + "/records/" + p_collection.uri_encode()
	var result: Variant = await _send("GET", path, p_options)
	if result is Dictionary:
		var told: Dictionary = result
		_whole(told, ["page", "perPage", "totalItems", "totalPages"])
	return result


## Brings the records [param p_ids] of a collection in a backup back as they were, with their files:
## all of them or none. Answers [code]{added, changed, left, blocked, childrenLeft, lostReferences,
## files, fileBytes, records}[/code]; each of the records is [code]{collection, id, action, reason,
## …}[/code].[br]
## The options may hold [code]filter[/code] instead of ids, [code]children[/code] (along with what a
## cascade deleted with them), [code]overwrite[/code] (also records that are there and differ) and
## [code]dryRun[/code] (only say what would be).
func recover(
	p_key: String, p_collection: String, p_ids: Array = [], p_options: Dictionary = {}
) -> Variant:
	var options: Dictionary = p_options.duplicate()
	var body: Dictionary = {"collection": p_collection}
	if not p_ids.is_empty():
		body["ids"] = p_ids
	for name: String in ["filter", "children", "overwrite", "dryRun"]:
		if options.has(name):
			body[name] = options[name]
			options.erase(name)
	var result: Variant = await _send("POST", _key_path(p_key) + "/recover", options, body)
	if result is Dictionary:
		var told: Dictionary = result
		_whole(told, ["added", "changed", "left", "blocked", "childrenLeft", "files", "fileBytes"])
	return result


## What retention would do at its next run, which changes nothing: [code]{nextRun, going,
## goingBytes, backups}[/code], where a backup is [code]{key, size, modified, goes, why}[/code].
## [param p_settings] are those of [code]backups[/code] that are tried instead of what is in force,
## such as [code]{"cronMaxKeep": 7}[/code].
func preview_retention(p_settings: Dictionary = {}, p_options: Dictionary = {}) -> Variant:
	var body: Dictionary = {"backups": p_settings}
	var result: Variant = await _send("POST", _PATH + "/preview-retention", p_options, body)
	if result is Dictionary:
		var told: Dictionary = result
		_whole(told, ["going", "goingBytes"])
		for backup: Variant in BosBaseValue.array(told.get("backups")):
			_whole(backup, ["size"])
	return result


## One page of how long the jobs took that ended, those that ended last first: [code]{page, perPage,
## totalItems, totalPages, items}[/code]. One is [code]{id, kind, key, state, started, finished,
## duration, bytes, size}[/code], its duration in milliseconds. [code]kind[/code] of the options
## leaves those of one kind.
func get_job_list(p_page: int = 1, p_per_page: int = 30, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = {"page": p_page, "perPage": p_per_page}.merged(p_options, true)
	var result: Variant = await _send("GET", _PATH + "/jobs", options)
	if result is Dictionary:
		var told: Dictionary = result
		_whole(told, ["page", "perPage", "totalItems", "totalPages"])
		for job: Variant in BosBaseValue.array(told.get("items")):
			_whole(job, ["duration", "bytes", "size"])
	return result


## Where a backup can be downloaded with a file token (see [method BosBaseFileService.get_token]),
## without logging in.
func get_download_url(p_token: String, p_key: String) -> String:
	return _transport.build_url(_key_path(p_key), {"token": p_token})


## Downloads a backup to [param p_path], of any size. The file is there when it is whole, and not
## before; answers [code]true[/code]. A connection that is lost on the way is taken up again where
## it broke.
func download(p_key: String, p_path: String, p_options: Dictionary = {}) -> Variant:
	var transfer: BosBaseDownload = BosBaseDownload.new(_transport, p_path)
	var options: Dictionary = p_options.merged({"token": true}, true)
	return await transfer.run(_key_path(p_key), options, self)


## Waits for the end of the job that this client began last with [param p_key] (or at all, for
## [code]""[/code]), also through the restart that a restore brings; never is it one that ended
## before this client began its own. Where it began none, or was told already how that one ended, a
## job that runs is waited for. [code]options.job[/code] names another by its [code]id[/code], as
## [method status] has it.[br]
## Answers the job, or an error: with the job's words when it failed; that which [method create],
## [method upload], [method verify], [method restore] or [method undo_restore] answered when it
## could not begin; with status 404 when there is no such job; with status 0 when
## [param p_seconds] are over, which may be [constant @GDScript.INF].[br]
## [code]options.request_key[/code] cancels the waiting. [code]options.on_progress[/code] is called
## with [code]done, total[/code] in bytes on the way; the total is -1 until it is known.
func wait_until_finished(
	p_key: String = "", p_seconds: float = 600.0, p_options: Dictionary = {}
) -> Variant:
	await BosBaseClock.enter()
	var whole: BosBaseExchange = _transport.hold(p_options)
	var options: Dictionary = p_options.merged({"whole": whole, "request_key": null}, true)
	options.erase("on_progress")
	options.erase("job")
	var result: Variant = await _follow(p_key, p_seconds, p_options, options)
	_transport.release(whole)
	return result


func _follow(p_key: String, p_seconds: float, p_options: Dictionary, p_ask: Dictionary) -> Variant:
	var whole: BosBaseExchange = p_ask["whole"]
	var end: float = Time.get_ticks_msec() + p_seconds * 1000.0
	var told: Callable = BosBaseValue.callable(p_options.get("on_progress"))
	var attempt: BosBaseBackupJobs.Attempt = null
	if p_options.has("job"):
		attempt = BosBaseBackupJobs.Attempt.of(str(p_options["job"]))
	var url: String = _transport.build_url(_PATH)
	var why: String = "The job has not ended in time."
	while Time.get_ticks_msec() < end and not BosBaseClock.is_over:
		var result: Variant = await status(p_ask)
		if result is ClientResponseError:
			var error: ClientResponseError = result
			# What can't be reached, or says so itself or by a proxy, may be restarting.
			if error.is_abort or not error.status in _PASSING:
				return error
			why = "The job has not ended in time. " + error.message
		else:
			var jobs: Array = BosBaseValue.array(BosBaseValue.dictionary(result).get("jobs"))
			if attempt == null:
				attempt = _jobs.wanted(p_key, jobs.filter(_is_running))
			if attempt.error != null:
				return attempt.error
			var job: Dictionary = attempt.job(jobs)
			if job.is_empty():
				why = "There is no job of %s to wait for." % [p_key if p_key else "any backup"]
				why += " Await the call that begins it first, such as create."
				return ClientResponseError.new(url, 404, {}, false, why)
			if told.is_valid():
				var total: int = job["bytesTotal"]
				told.call(job["bytesDone"], total if total > 0 else -1)
			if not _is_running(job):
				attempt.is_told = true
				if job["state"] == "failed":
					return _failure(url, job)
				return job
		await BosBaseClock.sleep(0.25, [self])
		if whole.is_cancelled:
			why = "The request was cancelled."
			break
	var is_abort: bool = whole.is_cancelled or BosBaseClock.is_over
	return ClientResponseError.new(url, 0, {}, is_abort, why)


# True, or an error: for what begins a job.
func _begin(
	p_kind: String, p_key: String, p_path: String, p_options: Dictionary, p_body: Variant = null
) -> Variant:
	var result: Variant = await _do("POST", p_path, p_options, p_body)
	_jobs.note(p_kind, p_key, result)
	return result


# What is said alike of a backup and of the data of now.
static func _whole_comparison(p_comparison: Variant) -> void:
	if p_comparison is Dictionary:
		var compared: Dictionary = p_comparison
		_whole_parts(compared)
		_whole(compared.get("gone"), ["collections", "records", "atLeast"])


static func _whole_parts(p_told: Dictionary) -> void:
	_whole(p_told.get("files"), ["count", "bytes"])
	_whole(p_told.get("otherFiles"), ["count", "bytes"])
	for database: Variant in BosBaseValue.array(p_told.get("databases")):
		_whole(database, ["size"])
	var numbers: PackedStringArray = ["records", "recordsNow", "createdSince", "changedSince"]
	numbers.append_array(["files", "fileBytes"])
	for one: Variant in BosBaseValue.array(p_told.get("collections")):
		_whole(one, numbers)
		if one is Dictionary:
			var collection: Dictionary = one
			_whole(collection.get("files"), ["count", "bytes"])
			_whole(collection.get("filesNow"), ["count", "bytes"])
			_whole(collection.get("changes"), ["more"])


static func _is_running(p_job: Dictionary) -> bool:
	return p_job.get("state") == "running"


static func _failure(p_url: String, p_job: Dictionary) -> ClientResponseError:
	var said: Dictionary = {"status": 400, "message": p_job["error"], "data": {}, "job": p_job}
	return ClientResponseError.new(p_url, 400, said)


static func _key_path(p_key: String) -> String:
	return _PATH + "/" + p_key.uri_encode()
