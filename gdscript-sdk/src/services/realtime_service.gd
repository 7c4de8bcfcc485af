@tool
class_name BosBaseRealtimeService
extends BosBaseService
## Changes as they happen, by one connection for all subscriptions, which is made again when it is
## lost.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## The connection stands (again) and the server knows all subscriptions.
signal connected
## The connection was lost; it is being made again.
signal disconnected(active_topics: PackedStringArray)
## A connection came about, with [code]null[/code], or could not be made.
signal settled(error: ClientResponseError)

## Seconds that a subscription waits for the connection.
const CONNECT_SECONDS: float = 15.0

## The server's name for this connection; [code]""[/code] while there is none.
var client_id: String

## Whether the connection stands.
var is_online: bool:
	get:
		return not client_id.is_empty()

# Callbacks by topic with its options, as the server knows it.
var _subscriptions: Dictionary = {}
var _stream: BosBaseEventStream
var _last_error: ClientResponseError
# The topics that the server of this connection was told, with what it answered; how often it was to
# be told, and up to which of these it was.
var _told: Dictionary = {}
var _told_error: ClientResponseError
var _wishes: int
var _fulfilled: int
var _is_telling: bool


func _notification(p_what: int) -> void:
	if p_what == NOTIFICATION_PREDELETE and _stream != null:
		_stream.close()


## Calls [param p_callback] with each message of [param p_topic]: [code]posts/*[/code],
## [code]posts/RECORD_ID[/code], [code]@backups[/code] or what else the server tells of. A topic
## that does not look like one is warned of; the server takes any. Options:
## [code]query[/code] (as [code]expand[/code], [code]filter[/code], [code]fields[/code]),
## [code]headers[/code], and [code]timeout[/code], the seconds until there is a connection. Answers
## a [Callable] that ends it, or an error.
func subscribe(p_topic: String, p_callback: Callable, p_options: Dictionary = {}) -> Variant:
	await BosBaseClock.enter()
	if p_topic.is_empty():
		return ClientResponseError.new("", 0, {}, false, "A topic is needed.")
	var doubt: String = _doubt(p_topic)
	if not doubt.is_empty():
		# The server takes any topic.
		push_warning('Nothing may ever be told of the topic "%s": %s.' % [p_topic, doubt])
	var options: Dictionary = p_options.duplicate()
	var seconds: float = float(str(options.get("timeout", CONNECT_SECONDS)))
	options.erase("timeout")
	options.erase("request_key")
	var key: String = _key(p_topic, options)
	var callbacks: Array = _subscriptions.get_or_add(key, [])
	callbacks.append(p_callback)
	var error: ClientResponseError = null
	if not is_online:
		error = await _connect_stream(seconds)
	elif not _told.has(key):
		error = await _submit()
	if error != null:
		await _remove(key, p_callback)
		return error
	return _remove.bind(key, p_callback)


## Ends the subscriptions of a topic, or all for [code]""[/code]. Answers [code]true[/code] or an
## error.
func unsubscribe(p_topic: String = "") -> Variant:
	for key: String in _subscriptions.keys():
		if p_topic.is_empty() or key == p_topic or key.begins_with(p_topic + "?"):
			_subscriptions.erase(key)
	return await _changed()


## Ends the subscriptions of all topics that begin with [param p_prefix].
func unsubscribe_by_prefix(p_prefix: String) -> Variant:
	for key: String in _subscriptions.keys():
		if key.begins_with(p_prefix):
			_subscriptions.erase(key)
	return await _changed()


## Ends the subscriptions of a topic that call [param p_callback].
func unsubscribe_by_topic_and_listener(p_topic: String, p_callback: Callable) -> Variant:
	for key: String in _subscriptions.keys():
		if key == p_topic or key.begins_with(p_topic + "?"):
			_forget(key, p_callback)
	return await _changed()


func _remove(p_key: String, p_callback: Callable) -> Variant:
	var before: int = _subscriptions.size()
	_forget(p_key, p_callback)
	return await _changed() if _subscriptions.size() != before else true


func _forget(p_key: String, p_callback: Callable) -> void:
	var callbacks: Array = _subscriptions.get(p_key, [])
	callbacks.erase(p_callback)
	if callbacks.is_empty():
		_subscriptions.erase(p_key)


# Tells the server what is left; without any, the connection ends.
func _changed() -> Variant:
	if _subscriptions.is_empty():
		_disconnect_stream()
		return true
	if not is_online:
		return true
	var error: ClientResponseError = await _submit()
	if error != null:
		return error
	return true


# Makes the connection, or waits for the one that is being made.
func _connect_stream(p_seconds: float) -> ClientResponseError:
	var waiting: Array = [true, null]
	var settle: Callable = func(p_error: ClientResponseError) -> void:
		waiting[0] = false
		waiting[1] = p_error
	settled.connect(settle, CONNECT_ONE_SHOT)
	if _stream == null:
		_last_error = null
		_stream = BosBaseEventStream.new(_transport, "/api/realtime")
		_stream.received.connect(_on_received)
		_stream.lost.connect(_on_lost)
		_stream.ended.connect(_on_ended)
		# It goes on for as long as it is not closed. (Its warning has no name in Godot 4.4.)
		_stream.run.call()
	var stream: BosBaseEventStream = _stream
	var end: float = Time.get_ticks_msec() + p_seconds * 1000.0
	while waiting[0] and not BosBaseClock.is_over and Time.get_ticks_msec() < end:
		if _stream != stream:
			break
		await BosBaseClock.sleep(0.01, [self])
	if not waiting[0]:
		return waiting[1]
	settled.disconnect(settle)
	if _stream != stream:
		return ClientResponseError.new(_url(), 0, {}, true)
	if _last_error != null:
		return _last_error
	return ClientResponseError.new(_url(), 0, {}, false, "The connection took too long.")


func _url() -> String:
	return _transport.build_url("/api/realtime")


func _disconnect_stream() -> void:
	client_id = ""
	if _stream != null:
		_stream.close()
		_stream = null


# Tells the server what is wanted. Where it does not know this connection (any more), as after a
# restart that was not heard of yet, the next one tells it.
func _submit() -> ClientResponseError:
	var id: String = client_id
	var error: ClientResponseError = await _tell()
	if error == null or _stream == null or (error.status != 404 and id == client_id):
		return error
	if id == client_id:
		_stream.renew()
		while id == client_id and not BosBaseClock.is_over:
			await BosBaseClock.sleep(0.01, [self])
	return await _tell() if is_online else await _connect_stream(CONNECT_SECONDS)


# One at a time, since two could overtake each other on their way and the older would have the last
# word. Who comes meanwhile is told of by the next, all by the same.
func _tell() -> ClientResponseError:
	_wishes += 1
	var wish: int = _wishes
	while _is_telling and not BosBaseClock.is_over:
		await BosBaseClock.sleep(0.005, [self])
	if _fulfilled >= wish:
		return _told_error
	_is_telling = true
	var upto: int = _wishes
	var id: String = client_id
	var topics: Array = _subscriptions.keys()
	var body: Dictionary = {"clientId": id, "subscriptions": topics}
	var options: Dictionary = {"request_key": _telling_key()}
	var result: Variant = await _do("POST", "/api/realtime", options, body)
	_is_telling = false
	_fulfilled = upto
	_told_error = result if result is ClientResponseError else null
	_told = {}
	if _told_error == null and id == client_id:
		for topic: String in topics:
			_told[topic] = true
	return _told_error


func _telling_key() -> String:
	return "@telling-%d" % get_instance_id()


# What the server of a connection was told, or is being told, is of no use to another.
func _forget_told() -> void:
	_told = {}
	_transport.cancel_request(_telling_key())


func _on_received(p_event: String, p_data: String, p_id: String) -> void:
	if p_event == "PB_CONNECT":
		client_id = p_id
		_forget_told()
		_introduce.call()
		return
	var parser: JSON = JSON.new()
	var data: Variant = parser.data if parser.parse(p_data) == OK else p_data
	var is_ownerless: bool = false
	# A callback may end its own subscription, and change what it is given.
	for callback: Callable in BosBaseValue.array(_subscriptions.get(p_event)).duplicate():
		if callback.is_valid():
			callback.call(BosBaseValue.copy(data))
		else:
			_forget(p_event, callback)
			is_ownerless = true
	if is_ownerless and not _subscriptions.has(p_event):
		_changed.call()


# Tells a new connection's server what is wanted.
func _introduce() -> void:
	var error: ClientResponseError = await _tell()
	if _stream != null and error == null:
		_stream.confirm()
	elif _stream != null:
		# A connection on which nothing is told is none.
		client_id = ""
		_stream.renew()
	settled.emit(error)
	if error == null:
		connected.emit()


func _on_lost(p_error: ClientResponseError, p_attempts: int) -> void:
	_last_error = p_error
	var was_connected: bool = is_online
	client_id = ""
	_forget_told()
	if was_connected:
		disconnected.emit(PackedStringArray(_subscriptions.keys()))
	elif p_attempts == 1 and p_error != null and not p_error.is_abort:
		settled.emit(p_error)


# Callbacks often hold the client that holds them.
func _on_ended() -> void:
	_subscriptions.clear()


# What speaks against a topic: those of records are NAME/ID and NAME/*.
static func _doubt(p_topic: String) -> String:
	var name: String = p_topic.get_slice("?", 0)
	var parts: PackedStringArray = name.split("/")
	if name.contains(" "):
		return "it has a blank in it"
	if parts[0].is_empty():
		return "a collection's name is missing before the slash"
	if parts.size() > 2:
		return "it has more than one slash"
	if parts.size() == 2 and parts[1].is_empty():
		return "a record's id or * is missing behind the slash"
	return ""


static func _key(p_topic: String, p_options: Dictionary) -> String:
	var options: Dictionary = p_options.duplicate()
	var headers: Variant = options.get("headers", {})
	options.erase("headers")
	var query: Dictionary = options.get("query", {})
	options.erase("query")
	query = query.merged(options, true)
	if query.is_empty() and BosBaseValue.dictionary(headers).is_empty():
		return p_topic
	var told: String = JSON.stringify({"query": query, "headers": headers})
	var mark: String = "&" if p_topic.contains("?") else "?"
	return "%s%soptions=%s" % [p_topic, mark, told.uri_encode()]
