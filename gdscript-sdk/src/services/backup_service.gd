@tool
class_name BosBaseBackupService
extends BosBaseService
## Backups of all of the application's data. For superusers only.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

const _PATH: String = "/api/backups"


## Every backup, newest first: [code]{key, size, modified, proven, proofError}[/code].
## [code]proven[/code] is when it was last read to its end and found whole.
func get_full_list(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("GET", _PATH, p_options)
	if result is Array:
		for backup: Variant in BosBaseValue.array(result):
			_whole(backup, ["size"])
	return result


## Starts a backup and answers [code]true[/code] at once; see [method wait_until_finished]. The name
## is lower case letters, digits, [code]_[/code] and [code]-[/code] and ends in [code].zip[/code];
## without one the server makes one up.
func create(p_name: String = "", p_options: Dictionary = {}) -> Variant:
	var body: Dictionary = {} if p_name.is_empty() else {"name": p_name}
	return await _do("POST", _PATH, p_options, body)


## Takes in a backup: [code]{"file": {"filename": …, "content_type": "application/zip", "data":
## PackedByteArray}}[/code] or [code]{"file": BosBaseFile}[/code]. For one that is on disk see
## [method upload_file].
func upload(p_files: Dictionary, p_options: Dictionary = {}) -> Variant:
	var options: Dictionary = p_options.duplicate()
	options["files"] = p_files
	return await _do("POST", _PATH + "/upload", options)


## Takes in a backup from disk, of any size, under [param p_name] or the file's own.
func upload_file(p_path: String, p_name: String = "", p_options: Dictionary = {}) -> Variant:
	var file: BosBaseFile = BosBaseFile.from_path(p_path, p_name, "application/zip")
	return await upload({"file": file}, p_options)


## Deletes a backup; answers [code]true[/code].
func delete(p_key: String, p_options: Dictionary = {}) -> Variant:
	return await _do("DELETE", _key_path(p_key), p_options)


## Replaces all data by the backup's and restarts the server. Answers [code]true[/code] once the
## archive is seen to be one; see [method wait_until_finished] for the end.
func restore(p_key: String, p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _key_path(p_key) + "/restore", p_options)


## Brings back the data that the last restore replaced, and restarts the server. [method status]
## tells of it as [code]undo[/code], [code]null[/code] where there is none; see
## [method wait_until_finished] for the end.
func undo_restore(p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _PATH + "/undo-restore", p_options)


## Starts reading a backup from end to end, to hold it against its manifest; answers
## [code]true[/code] at once.
func verify(p_key: String, p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _key_path(p_key) + "/verify", p_options)


## What is running, what became of what ran, newest first, and what could be undone: [code]{running,
## jobs, undo}[/code]. A job is [code]{id, kind, key, state, phase, error, warning, bytesDone,
## bytesTotal, started, finished}[/code].
func status(p_options: Dictionary = {}) -> Variant:
	var result: Variant = await _send("GET", _PATH + "/status", p_options)
	if result is Dictionary:
		var told: Dictionary = result
		for job: Variant in BosBaseValue.array(told.get("jobs")):
			_whole(job, ["bytesDone", "bytesTotal"])
		_whole(told.get("running"), ["bytesDone", "bytesTotal"])
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
	return await transfer.run(_key_path(p_key), p_options, self)


## Waits for the newest job of this backup (or of any, for [code]""[/code]) to end, also through the
## restart that a restore brings; where that job is over, also one of long ago, at once. Answers the
## job, or an error with the job's words when it failed, or with status 0 when [param p_seconds] are
## over. [code]options.on_progress[/code] is called with [code]bytesDone, bytesTotal[/code] on the
## way.
func wait_until_finished(
	p_key: String = "", p_seconds: float = 600.0, p_options: Dictionary = {}
) -> Variant:
	await BosBaseClock.enter()
	var end: int = Time.get_ticks_msec() + int(p_seconds * 1000.0)
	var options: Dictionary = p_options.duplicate()
	options.erase("on_progress")
	var told: Variant = p_options.get("on_progress")
	var last: ClientResponseError = ClientResponseError.new(
		_transport.build_url(_PATH), 0, {}, false, "The job has not ended in time."
	)
	while Time.get_ticks_msec() < end and not BosBaseClock.is_over:
		var result: Variant = await status(options)
		if result is ClientResponseError:
			var error: ClientResponseError = result
			# What can't be reached, or says so itself, may be restarting.
			if error.is_abort or (error.status != 0 and error.status != 503):
				return error
			last = ClientResponseError.new(
				error.url, 0, {}, false, "The job has not ended in time. " + error.message
			)
		else:
			var job: Dictionary = _newest(BosBaseValue.dictionary(result), p_key)
			if job.is_empty():
				return ClientResponseError.new(last.url, 404, {}, false, "There is no such job.")
			if told is Callable:
				BosBaseValue.callable(told).call(job["bytesDone"], job["bytesTotal"])
			if job["state"] == "failed":
				var said: Dictionary = {
					"status": 400, "message": job["error"], "data": {}, "job": job
				}
				return ClientResponseError.new(last.url, 400, said)
			if job["state"] != "running":
				return job
		await BosBaseClock.sleep(0.25, [self])
	return last


static func _newest(p_status: Dictionary, p_key: String) -> Dictionary:
	for job: Dictionary in p_status.get("jobs", []):
		if p_key.is_empty() or job.get("key") == p_key:
			return job
	return {}


static func _key_path(p_key: String) -> String:
	return _PATH + "/" + p_key.uri_encode()
