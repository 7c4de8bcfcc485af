@tool
class_name BosBaseExchange
extends RefCounted
## One request and its answer on a connection of their own.
##
## Neither a large request nor a large answer is held in memory: the one is read from disk as it is
## sent, the other given away as it comes in.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## How an exchange ended.
enum Outcome {
	## There is an answer, of whatever status.
	ANSWERED,
	## Somebody did not want it any more, or the program ended.
	CANCELLED,
	## Nothing was heard for too long.
	TIMED_OUT,
	## It could not be sent, or not all of the answer came.
	FAILED,
}

## Bytes moved at a time.
const CHUNK: int = 256 * 1024
## Milliseconds of moving bytes before the rest of the program gets its turn.
const BUDGET: int = 8
## Bodies up to this many bytes go out with their head.
const SMALL: int = 64 * 1024
## Milliseconds that count, at the most, of what passes between two looks at the connection: a
## program that loads a level, or stands at a breakpoint, is no silent server.
const STEP: int = 250

# Keeps who takes part alive until the end, also where nobody awaits it; several threads may send at
# once.
static var _running: Dictionary = {}
static var _lock: Mutex = Mutex.new()

## How it ended.
var outcome: Outcome = Outcome.FAILED
## What went wrong, in one sentence.
var problem: String
## The HTTP status.
var status: int
## The answer's headers by lower-case name.
var headers: Dictionary = {}
## The answer's body, but for what [member receive] took.
var body: PackedByteArray
## Seconds without a byte in either direction until it is given up; 0 for never.
var timeout: float = 30.0
## How to check an [code]https[/code] server; the system's authorities when [code]null[/code].
var tls_options: TLSOptions
## Given the bytes of an answer with status 200 or 206: [code]func(bytes: PackedByteArray) ->
## String[/code], which answers why it can't go on, or [code]""[/code].
var receive: Callable
## Told of an answer with status 200 or 206 before its bytes: [code]func(status: int, headers:
## Dictionary)[/code].
var on_head: Callable
## Told how far the larger of the two bodies is: [code]func(done: int, total: int)[/code].
## [code]total[/code] is -1 where nobody knows.
var on_progress: Callable
## What this is a part of, and is cancelled with; or [code]null[/code].
var whole: BosBaseExchange

## Whether it was cancelled, or what it is a part of.
var is_cancelled: bool:
	get:
		return _cancelled or (whole != null and whole.is_cancelled)

var _client: HTTPClient
var _cancelled: bool
var _silence: int
var _looked: int
var _turn_ends: int


## How many there are at the moment.
static func pending() -> int:
	return _running.size()


## Ends it as soon as possible.
func cancel() -> void:
	_cancelled = true


## Does it. [param p_keep] stays alive meanwhile.
func run(
	p_keep: Array,
	p_method: HTTPClient.Method,
	p_address: BosBaseAddress,
	p_headers: PackedStringArray,
	p_body: BosBaseRequestBody
) -> void:
	_lock.lock()
	_running[self] = p_keep
	_lock.unlock()
	BosBaseClock.begin()
	_client = HTTPClient.new()
	_client.read_chunk_size = CHUNK
	_moved()
	_turn_ends = Time.get_ticks_msec() + BUDGET
	if await _connect(p_address) and await _request(p_method, p_address, p_headers, p_body):
		await _answer(p_method)
	_client.close()
	_client = null
	_lock.lock()
	_running.erase(self)
	_lock.unlock()


func _connect(p_address: BosBaseAddress) -> bool:
	var tls: TLSOptions = null
	if p_address.secure:
		tls = tls_options if tls_options != null else TLSOptions.client()
	var failed: Error = _client.connect_to_host(p_address.host, p_address.port, tls)
	if failed != OK:
		return _fail("Cannot connect to %s: %s." % [p_address.host, error_string(failed)])
	_client.poll()
	while _client.get_status() in [HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING]:
		if not await _wait():
			return false
		_client.poll()
	var why: String = "Nobody answers at %s:%d." % [p_address.host, p_address.port]
	match _client.get_status():
		HTTPClient.STATUS_CONNECTED:
			_moved()
			return true
		HTTPClient.STATUS_CANT_RESOLVE:
			why = "There is no host called %s." % p_address.host
		HTTPClient.STATUS_TLS_HANDSHAKE_ERROR:
			# Godot does not say which of both it was.
			why = "%s:%d could not prove its identity (TLS)." % [p_address.host, p_address.port]
			why += " Is the server speaking plain HTTP there? Then its URL begins with http://."
	return _fail(why)


func _request(
	p_method: HTTPClient.Method,
	p_address: BosBaseAddress,
	p_headers: PackedStringArray,
	p_body: BosBaseRequestBody
) -> bool:
	var lines: PackedStringArray = p_headers.duplicate()
	var at_once: PackedByteArray = PackedByteArray()
	var peer: StreamPeer = null
	if p_body != null:
		lines.append("Content-Length: %d" % p_body.length)
		# A browser's HTTPClient has no connection to write to.
		peer = _client.connection if p_body.length > SMALL and not OS.has_feature("web") else null
		if peer == null:
			at_once = p_body.read_all()
	elif p_method in [HTTPClient.METHOD_POST, HTTPClient.METHOD_PUT, HTTPClient.METHOD_PATCH]:
		lines.append("Content-Length: 0")
	if p_body != null and not p_body.problem.is_empty():
		return _fail(p_body.problem)
	var failed: Error = _client.request_raw(p_method, p_address.target, lines, at_once)
	if failed != OK:
		return _fail("The request cannot be sent: %s." % error_string(failed))
	_client.poll()
	var is_sent: bool = peer == null or await _send(peer, p_body)
	if peer == null and p_body != null and p_body.is_multipart:
		_tell(p_body.length, p_body.length)
	# Who asks again in the same frame is to find this one pending, however quick the server is.
	if not is_sent or not await _wait():
		return false
	while _client.get_status() == HTTPClient.STATUS_REQUESTING:
		_client.poll()
		if _client.get_status() == HTTPClient.STATUS_REQUESTING and not await _wait():
			return false
	if _client.get_response_code() == 0:
		return _fail("The connection was lost before an answer came.")
	_moved()
	return true


# Writes behind the head that HTTPClient has sent, until all is sent or an answer comes early (a
# refusal).
func _send(p_peer: StreamPeer, p_body: BosBaseRequestBody) -> bool:
	var sent: int = 0
	var chunk: PackedByteArray = p_body.read(CHUNK)
	while not chunk.is_empty():
		var result: Array = p_peer.put_partial_data(chunk)
		var wrote: int = result[1]
		if result[0] != OK:
			break
		if wrote > 0:
			sent += wrote
			_moved()
			_tell(sent, p_body.length)
			chunk = chunk.slice(wrote) if wrote < chunk.size() else p_body.read(CHUNK)
		_client.poll()
		if _client.get_status() != HTTPClient.STATUS_REQUESTING:
			break
		if (wrote == 0 or Time.get_ticks_msec() >= _turn_ends) and not await _wait():
			return false
	return p_body.problem.is_empty() or _fail(p_body.problem)


func _answer(p_method: HTTPClient.Method) -> void:
	status = _client.get_response_code()
	for line: String in _client.get_response_headers():
		var colon: int = line.find(":")
		headers[line.substr(0, colon).strip_edges().to_lower()] = (
			line.substr(colon + 1).strip_edges()
		)
	if _is_no_http():
		_fail("What answers at this address is no HTTP server.")
		return
	var length: int = _client.get_response_body_length()
	var taken: bool = receive.is_valid() and (status == 200 or status == 206)
	if taken and on_head.is_valid():
		on_head.call(status, headers)
	var received: int = 0
	while _client.get_status() == HTTPClient.STATUS_BODY:
		_client.poll()
		if _client.get_status() != HTTPClient.STATUS_BODY:
			break
		var chunk: PackedByteArray = _client.read_response_body_chunk()
		if chunk.is_empty():
			if _client.get_status() == HTTPClient.STATUS_BODY and not await _wait():
				return
			continue
		_moved()
		received += chunk.size()
		if taken:
			var refused: String = receive.call(chunk)
			if not refused.is_empty():
				_fail(refused)
				return
			_tell(received, length)
		else:
			body.append_array(chunk)
		if Time.get_ticks_msec() >= _turn_ends and not await _wait():
			return
	if p_method != HTTPClient.METHOD_HEAD and _is_cut_off(received, length):
		_fail("The connection was lost before the answer was complete.")
		return
	if p_method != HTTPClient.METHOD_HEAD and received == 0 and _is_open_ended(length):
		_fail("The server does not say how long its answer is.")
		return
	outcome = Outcome.ANSWERED


# HTTPClient takes anything up to an empty line for an answer with status 200.
func _is_no_http() -> bool:
	if status != 200:
		return false
	for usual: String in ["content-type", "content-length", "transfer-encoding", "date"]:
		if headers.has(usual):
			return false
	return true


func _is_cut_off(p_received: int, p_length: int) -> bool:
	if p_length >= 0:
		return p_received < p_length
	var chunked: String = headers.get("transfer-encoding", "")
	return chunked.to_lower() == "chunked" and _client.get_status() != HTTPClient.STATUS_CONNECTED


# Of such an answer HTTPClient reads nothing, unless the connection is to be closed after it.
func _is_open_ended(p_length: int) -> bool:
	if p_length >= 0 or status == 204 or status == 304 or headers.has("transfer-encoding"):
		return false
	return _client.get_status() == HTTPClient.STATUS_CONNECTED


# Lets the rest of the program have its turn. False when this is to end.
func _wait() -> bool:
	_cancelled = not await BosBaseClock.tick() or is_cancelled
	var now: int = Time.get_ticks_msec()
	_turn_ends = now + BUDGET
	_silence += mini(now - _looked, STEP)
	_looked = now
	if _cancelled:
		outcome = Outcome.CANCELLED
		problem = "The request was cancelled."
		return false
	if timeout > 0.0 and _silence > timeout * 1000.0:
		outcome = Outcome.TIMED_OUT
		problem = "Nothing was heard of the server for %s seconds." % String.num(timeout, 3)
		return false
	return true


func _moved() -> void:
	_silence = 0
	_looked = Time.get_ticks_msec()


func _tell(p_done: int, p_total: int) -> void:
	if on_progress.is_valid():
		on_progress.call(p_done, p_total)


func _fail(p_problem: String) -> bool:
	outcome = Outcome.FAILED
	problem = p_problem
	return false
