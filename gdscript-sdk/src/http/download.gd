@tool
class_name BosBaseDownload
extends RefCounted
## A large answer that goes to disk as it comes in.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## How often in a row a lost connection is taken up again that brought less than [constant FAR].
const RETRIES: int = 5
## So many bytes are worth going on for.
const FAR: int = 1024 * 1024
# Of servers and proxies that will be back.
const _PASSING: Array[int] = [0, 502, 503, 504]

# What is being written, by its path; several threads may download at once.
static var _written: Dictionary = {}
static var _lock: Mutex = Mutex.new()

var _transport: BosBaseTransport
var _path: String
var _beside: String
var _file: FileAccess
var _etag: String
var _done: int
var _on_progress: Variant


func _init(p_transport: BosBaseTransport, p_path: String) -> void:
	_transport = p_transport
	_path = p_path


## Downloads [param p_api_path]. [code]token[/code] of the options is a file token, or
## [code]true[/code] for one of its own. Answers [code]true[/code] or an error, and leaves no half a
## file.
func run(p_api_path: String, p_options: Dictionary, p_keep: Object) -> Variant:
	await BosBaseClock.enter()
	_claim()
	_file = FileAccess.open(_beside, FileAccess.WRITE)
	if _file == null:
		_release()
		return _cannot_write(FileAccess.get_open_error())
	_on_progress = p_options.get("on_progress")
	var whole: BosBaseExchange = _transport.hold(p_options)
	var options: Dictionary = p_options.merged({"whole": whole, "request_key": null}, true)
	var result: Variant = await _fetch(p_api_path, options, p_keep)
	_transport.release(whole)
	var failed: Error = _file.get_error()
	_file.close()
	_file = null
	# What the system still held back is written only now, and nobody says how that went.
	if failed == OK and _size_on_disk() != _done:
		failed = ERR_FILE_CANT_WRITE
	if not result is ClientResponseError and failed == OK:
		failed = DirAccess.rename_absolute(_beside, _path)
		if failed == OK:
			_release()
			return true
	DirAccess.remove_absolute(_beside)
	_release()
	return result if result is ClientResponseError else _cannot_write(failed)


func _fetch(p_api_path: String, p_options: Dictionary, p_keep: Object) -> Variant:
	var result: Variant
	var lost: int = 0
	while true:
		var before: int = _done
		var options: Dictionary = _options(p_options)
		result = true
		# One of its own is asked for each time, since it is good for some minutes only.
		if is_same(p_options.get("token"), true):
			result = await _transport.send("/api/files/token", _token_options(p_options), p_keep)
			if not result is ClientResponseError:
				options["token"] = BosBaseValue.dictionary(result).get("token")
		if not result is ClientResponseError:
			result = await _transport.send(p_api_path, options, self)
		if not result is ClientResponseError:
			break
		var error: ClientResponseError = result
		# What never began is not taken up again.
		if error.is_abort or not error.status in _PASSING or _done == 0 or _file.get_error() != OK:
			break
		lost = 1 if _done - before >= FAR else lost + 1
		if lost > RETRIES:
			break
		await BosBaseClock.sleep(0.25 * lost, [self, p_keep])
		var whole: BosBaseExchange = p_options["whole"]
		if whole.is_cancelled or BosBaseClock.is_over:
			return ClientResponseError.new(error.url, 0, {}, true)
	return result


# Takes a name beside the file that no other download writes to.
func _claim() -> void:
	_lock.lock()
	_beside = _path + ".part"
	var number: int = 1
	while _written.has(_beside):
		number += 1
		_beside = "%s.part%d" % [_path, number]
	_written[_beside] = true
	_lock.unlock()


func _release() -> void:
	_lock.lock()
	_written.erase(_beside)
	_lock.unlock()


func _size_on_disk() -> int:
	var file: FileAccess = FileAccess.open(_beside, FileAccess.READ)
	return file.get_length() if file != null else -1


# The first of the requests is cancelled and given up as the others are.
func _token_options(p_options: Dictionary) -> Dictionary:
	var options: Dictionary = {"method": "POST"}
	for name: String in ["timeout", "request_key", "headers", "whole"]:
		if p_options.has(name):
			options[name] = p_options[name]
	return options


func _options(p_options: Dictionary) -> Dictionary:
	var options: Dictionary = p_options.duplicate()
	options["receive"] = _write
	options["on_progress"] = _progress
	options["on_head"] = _head
	if _done > 0 and not _etag.is_empty():
		var told: Dictionary = p_options.get("headers", {})
		# Another archive under the same name comes as a whole.
		options["headers"] = told.merged({"Range": "bytes=%d-" % _done, "If-Range": _etag}, true)
	return options


func _head(p_status: int, p_headers: Dictionary) -> void:
	_etag = p_headers.get("etag", "")
	if p_status != 206:
		_done = 0
	# What another archive of the same name left behind it must not stay.
	_file.resize(_done)
	_file.seek(_done)


func _write(p_bytes: PackedByteArray) -> String:
	_file.store_buffer(p_bytes)
	var failed: Error = _file.get_error()
	if failed != OK:
		return "Cannot write %s: %s." % [_beside, error_string(failed)]
	_done += p_bytes.size()
	return ""


func _progress(p_done: int, p_total: int) -> void:
	if _on_progress is Callable:
		var before: int = _done - p_done
		BosBaseValue.callable(_on_progress).call(_done, p_total + before if p_total >= 0 else -1)


func _cannot_write(p_failed: Error) -> ClientResponseError:
	var why: String = "Cannot write %s: %s." % [_path, error_string(p_failed)]
	return ClientResponseError.new("", 0, {}, false, why)
