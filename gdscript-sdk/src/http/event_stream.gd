@tool
class_name BosBaseEventStream
extends RefCounted
## A connection that server-sent events come in by, made again whenever it is lost, until it is
## closed.

## An event came.
signal received(event: String, data: String, id: String)
## The connection was lost, or could not be made; [param attempts] times in a row by now.
signal lost(error: ClientResponseError, attempts: int)
## The program ends.
signal ended

## Seconds to wait before each next attempt; then always the last.
const BACKOFF: PackedFloat32Array = [0.2, 0.3, 0.5, 1.0, 1.2, 1.5, 2.0]
## Seconds of silence after which a connection counts as dead where the server says something every
## thirty, as BosBase does.
const SILENCE: float = 90.0
## The same where it says nothing of itself, as PocketBase, which hangs up after five minutes.
const PATIENCE: float = 330.0

var _transport: BosBaseTransport
var _path: String
var _closed: bool
var _key: String
var _attempts: int
var _parser: BosBaseEventParser
var _is_kept_alive: bool


func _init(p_transport: BosBaseTransport, p_path: String) -> void:
	_transport = p_transport
	_path = p_path
	_key = "@stream-%d" % get_instance_id()


## Connects, and goes on until [method close].
func run() -> void:
	while not (_closed or BosBaseClock.is_over):
		_parser = BosBaseEventParser.new()
		var result: Variant = await _transport.send(_path, _options(), self)
		if _closed or BosBaseClock.is_over:
			break
		_attempts += 1
		var error: ClientResponseError = result if result is ClientResponseError else null
		lost.emit(error, _attempts)
		if _closed:
			break
		var wait: float = BACKOFF[mini(_attempts, BACKOFF.size()) - 1]
		await BosBaseClock.sleep(wait, [self])
	if BosBaseClock.is_over:
		ended.emit()


## The connection is of use: the next loss is the first again.
func confirm() -> void:
	_attempts = 0


## Gives this connection up for a new one.
func renew() -> void:
	_transport.cancel_request(_key)


## Ends the connection for good.
func close() -> void:
	_closed = true
	_transport.cancel_request(_key)


func _options() -> Dictionary:
	return {
		"request_key": _key,
		"timeout": SILENCE if _is_kept_alive else PATIENCE,
		"headers": {"Accept": "text/event-stream", "Cache-Control": "no-store"},
		"receive": _take,
	}


func _take(p_bytes: PackedByteArray) -> String:
	for event: Dictionary in _parser.feed(p_bytes):
		received.emit(event["event"], event["data"], event["id"])
	if _parser.is_kept_alive and not _is_kept_alive:
		_is_kept_alive = true
		_transport.limit(_key, SILENCE)
	return "The stream was closed." if _closed else _parser.problem
