@tool
class_name BosBaseBackupJobs
extends RefCounted
## Which of the server's jobs this client began, so that who waits for one is never told of an older
## one.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## So many attempts are remembered.
const MOST: int = 256

# By key, and under "" the last of all: what became of the attempt to begin one.
var _attempts: Dictionary[String, Attempt] = {}


## Remembers what the server answered when a job was to begin.
func note(p_kind: String, p_key: String, p_result: Variant) -> void:
	var attempt: Attempt = Attempt.new()
	attempt.kind = p_kind
	attempt.key = p_key
	if p_result is ClientResponseError:
		attempt.error = p_result
	for key: String in [p_key, ""]:
		# The newest last.
		_attempts.erase(key)
		_attempts[key] = attempt
	if _attempts.size() > MOST:
		_attempts.erase(_attempts.keys()[0])


## Forgets what became of a backup that is gone.
func forget(p_key: String) -> void:
	_attempts.erase(p_key)


## The attempt that somebody who names [param p_key] waits for now; one that knows nothing where
## this client began none, or has told of its end while another job runs.
func wanted(p_key: String, p_running: Array) -> Attempt:
	var known: Attempt = _attempts.get(p_key)
	if known == null or known.is_told:
		for job: Dictionary in p_running:
			if p_key.is_empty() or job.get("key") == p_key:
				return Attempt.of(str(job["id"]))
	return known if known != null else Attempt.new()


## An attempt to begin a job.
class Attempt:
	extends RefCounted

	## What it was to do, as the server names it.
	var kind: String
	## The backup's name; [code]""[/code] for what has none, or none that is known.
	var key: String
	## The server's name for the job; [code]""[/code] as long as it was not seen.
	var id: String
	## Why it could not begin.
	var error: ClientResponseError
	## Whether somebody was told how it ended.
	var is_told: bool

	## That of a job of this id.
	static func of(p_id: String) -> Attempt:
		var made: Attempt = Attempt.new()
		made.id = p_id
		return made

	## Finds its job among the server's, newest first. A job is there before its beginning is
	## answered: so the newest of its kind is it, and no older one.
	func job(p_jobs: Array) -> Dictionary:
		for each: Dictionary in p_jobs:
			if id.is_empty() and kind == each.get("kind") and key in ["", each.get("key")]:
				id = str(each["id"])
			if not id.is_empty() and each.get("id") == id:
				return each
		return {}
