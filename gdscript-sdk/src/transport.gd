@tool
class_name BosBaseTransport
extends RefCounted
## Sends requests: what all services have in common, and the one place that turns an answer into
## data or an error.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## Sent as [code]User-Agent[/code].
const USER_AGENT: String = "bosbase-gdscript/0.1"

# Options that are about the request itself; all others are query parameters.
const _OPTIONS: PackedStringArray = [
	"method",
	"headers",
	"query",
	"body",
	"files",
	"request_key",
	"timeout",
	"on_progress",
	"receive",
	"on_head",
	"whole",
]
const _METHODS: Dictionary = {
	"GET": HTTPClient.METHOD_GET,
	"HEAD": HTTPClient.METHOD_HEAD,
	"POST": HTTPClient.METHOD_POST,
	"PUT": HTTPClient.METHOD_PUT,
	"PATCH": HTTPClient.METHOD_PATCH,
	"DELETE": HTTPClient.METHOD_DELETE,
}

## See [member BosBase.base_url].
var base_url: String
## See [member BosBase.lang].
var lang: String
## See [member BosBase.auth_store].
var auth_store: BosBaseAuthStore
## See [member BosBase.timeout].
var timeout: float = 30.0
## See [member BosBase.tls_options].
var tls_options: TLSOptions
## See [member BosBase.before_send].
var before_send: Callable
## See [member BosBase.after_send].
var after_send: Callable
## See [method BosBase.auto_cancellation].
var auto_cancellation: bool

# Exchanges under way: by their key, and all.
var _keyed: Dictionary = {}
var _pending: Array[BosBaseExchange] = []


func _init(p_base_url: String, p_auth_store: BosBaseAuthStore, p_lang: String) -> void:
	base_url = p_base_url
	auth_store = p_auth_store
	lang = p_lang


## [param p_path] on the server, with a query.
func build_url(p_path: String, p_query: Dictionary = {}) -> String:
	var url: String = base_url.trim_suffix("/") + "/" + p_path.trim_prefix("/")
	var query: String = BosBaseAddress.query(p_query)
	if query.is_empty():
		return url
	return url + ("&" if url.contains("?") else "?") + query


## Sends a request and answers its data, [code]{}[/code] for none, or a [ClientResponseError].
## [param p_keep] stays alive meanwhile.
func send(p_path: String, p_options: Dictionary, p_keep: Object = null) -> Variant:
	await BosBaseClock.enter()
	var options: Dictionary = sorted_out(p_options)
	var url: String = build_url(p_path)
	if before_send.is_valid():
		var changed: Variant = await before_send.call(url, options)
		if changed is Dictionary:
			var replaced: Dictionary = changed
			url = str(replaced.get("url", url))
			if replaced.get("options") is Dictionary:
				options = sorted_out(BosBaseValue.dictionary(replaced["options"]))
	var query: String = BosBaseAddress.query(BosBaseValue.dictionary(options["query"]))
	if not query.is_empty():
		url += ("&" if url.contains("?") else "?") + query
	var address: BosBaseAddress = BosBaseAddress.parse(url)
	var verb: String = str(options["method"]).to_upper()
	if address == null or not _METHODS.has(verb):
		var shown: String = BosBaseAddress.without_secrets(url)
		var why: String = "%s %s is nothing that can be sent." % [options["method"], shown]
		if address == null and not BosBaseAddress.has_scheme(url):
			why += " The server's URL has to begin with http:// or https://."
		return ClientResponseError.new(url, 0, {}, false, why)
	var body: BosBaseRequestBody = _body(options)
	if body != null and not body.problem.is_empty():
		return ClientResponseError.new(url, 0, {}, false, body.problem)
	var exchange: BosBaseExchange = _begin(str(p_path), options)
	var method: HTTPClient.Method = _METHODS[verb]
	await exchange.run([self, p_keep], method, address, _header_lines(options, body), body)
	_end(exchange)
	if exchange.outcome != BosBaseExchange.Outcome.ANSWERED:
		var cancelled: bool = exchange.outcome == BosBaseExchange.Outcome.CANCELLED
		return ClientResponseError.new(url, 0, {}, cancelled, exchange.problem)
	return await _result(url, exchange, options)


## Ends the pending request with this key; it answers an error with [member
## ClientResponseError.is_abort].
func cancel_request(p_key: String) -> void:
	var exchange: BosBaseExchange = _keyed.get(p_key)
	if exchange != null:
		exchange.cancel()


## Ends all pending requests.
func cancel_all_requests() -> void:
	for exchange: BosBaseExchange in _pending:
		exchange.cancel()


## Gives the pending request with this key another timeout.
func limit(p_key: String, p_seconds: float) -> void:
	var exchange: BosBaseExchange = _keyed.get(p_key)
	if exchange != null:
		exchange.timeout = p_seconds


## What stands for several requests, one after the other, that are cancelled as one. It is pending
## until [method release]; the requests name it as their [code]whole[/code].
func hold(p_options: Dictionary) -> BosBaseExchange:
	var exchange: BosBaseExchange = BosBaseExchange.new()
	_register(exchange, p_options.get("request_key"))
	return exchange


## Ends what [method hold] began.
func release(p_exchange: BosBaseExchange) -> void:
	_end(p_exchange)


## Options with defaults, in which whatever is none of them has become a part of the
## [code]query[/code].
static func sorted_out(p_options: Dictionary) -> Dictionary:
	var options: Dictionary = {"method": "GET", "headers": {}, "query": {}}
	var query: Dictionary = {}
	for name: Variant in p_options:
		if str(name) in _OPTIONS:
			options[str(name)] = p_options[name]
		else:
			query[str(name)] = p_options[name]
	query.merge(BosBaseValue.dictionary(options["query"]), true)
	options["query"] = query
	options["headers"] = BosBaseValue.dictionary(options["headers"]).duplicate()
	return options


func _begin(p_path: String, p_options: Dictionary) -> BosBaseExchange:
	var exchange: BosBaseExchange = BosBaseExchange.new()
	exchange.tls_options = tls_options
	exchange.timeout = float(str(p_options.get("timeout", timeout)))
	if p_options.get("receive") is Callable:
		exchange.receive = p_options["receive"]
	if p_options.get("on_head") is Callable:
		exchange.on_head = p_options["on_head"]
	if p_options.get("on_progress") is Callable:
		exchange.on_progress = p_options["on_progress"]
	if p_options.get("whole") is BosBaseExchange:
		exchange.whole = p_options["whole"]
	var key: Variant = p_options.get("request_key")
	if key == null and auto_cancellation and not p_options.has("request_key"):
		key = str(p_options["method"]).to_upper() + p_path
	_register(exchange, key)
	return exchange


func _register(p_exchange: BosBaseExchange, p_key: Variant) -> void:
	if p_key != null:
		cancel_request(str(p_key))
		_keyed[str(p_key)] = p_exchange
	_pending.append(p_exchange)


func _end(p_exchange: BosBaseExchange) -> void:
	_pending.erase(p_exchange)
	var key: Variant = _keyed.find_key(p_exchange)
	if key != null:
		_keyed.erase(key)


func _header_lines(p_options: Dictionary, p_body: BosBaseRequestBody) -> PackedStringArray:
	var told: Dictionary = p_options["headers"]
	var known: Dictionary = {}
	var lines: PackedStringArray = PackedStringArray()
	for name: Variant in told:
		lines.append(_header_line(str(name), str(told[name])))
		known[str(name).to_lower()] = true
	if not known.has("accept-language") and not lang.is_empty():
		lines.append(_header_line("Accept-Language", lang))
	if not known.has("user-agent"):
		lines.append(_header_line("User-Agent", USER_AGENT))
	if not known.has("authorization") and not auth_store.token.is_empty():
		lines.append(_header_line("Authorization", auth_store.token))
	if p_body != null and not known.has("content-type"):
		lines.append(_header_line("Content-Type", p_body.content_type))
	return lines


# What ends a line would begin another header, or another request.
static func _header_line(p_name: String, p_value: String) -> String:
	return (
		"%s: %s"
		% [p_name.replace("\r", "").replace("\n", ""), p_value.replace("\r", "").replace("\n", "")]
	)


static func _body(p_options: Dictionary) -> BosBaseRequestBody:
	var told: Variant = p_options.get("body")
	if told is PackedByteArray:
		return BosBaseRequestBody.raw(BosBaseValue.bytes(told))
	var files: Array[Array] = []
	var values: Dictionary = {}
	if told is Dictionary:
		for field: Variant in BosBaseValue.dictionary(told):
			var rest: Variant = take_files(files, str(field), told[field])
			if rest != null or told[field] == null:
				values[field] = rest
	var extra: Variant = p_options.get("files")
	if extra is Dictionary:
		for field: Variant in BosBaseValue.dictionary(extra):
			var each: Variant = extra[field]
			for one: Variant in each if each is Array else [each]:
				var file: BosBaseFile = BosBaseFile.from_value(one, str(field))
				if file == null:
					return BosBaseRequestBody.wrong("What is given for %s is no file." % field)
				files.append([str(field), file])
	if not files.is_empty():
		return BosBaseRequestBody.multipart(values, files)
	return BosBaseRequestBody.json(told) if told != null else null


## Takes the files out of a field's value, which may be one, or a list of files and of the names of
## files that stay, as [code][field, BosBaseFile][/code]. Answers what is left; [code]null[/code]
## for nothing.
static func take_files(p_files: Array[Array], p_field: String, p_value: Variant) -> Variant:
	if p_value is BosBaseFile:
		p_files.append([p_field, p_value])
		return null
	var rest: Array = []
	for each: Variant in BosBaseValue.array(p_value):
		if each is BosBaseFile:
			p_files.append([p_field, each])
		else:
			rest.append(each)
	if rest.size() == BosBaseValue.array(p_value).size():
		return p_value
	if rest.is_empty():
		return null
	return rest


func _result(p_url: String, p_exchange: BosBaseExchange, p_options: Dictionary) -> Variant:
	var data: Variant = {}
	var readable: bool = true
	if not p_exchange.body.is_empty():
		var parser: JSON = JSON.new()
		readable = parser.parse(p_exchange.body.get_string_from_utf8()) == OK
		if readable:
			data = parser.data
	var status: int = p_exchange.status
	if after_send.is_valid():
		var response: Dictionary = {"url": p_url, "status": status, "headers": p_exchange.headers}
		var changed: Variant = await after_send.call(response, data, p_options)
		# A hook that only looks answers nothing.
		data = changed if changed != null else data
	if data == null:
		data = {}
	if status < 200 or status >= 300:
		var said: Dictionary = data if data is Dictionary else {}
		var why: String = _elsewhere(p_exchange)
		var error: ClientResponseError = ClientResponseError.new(p_url, status, said, false, why)
		# Proxies may name a date, which needs a clock that is right.
		var wait: String = p_exchange.headers.get("retry-after", "")
		error.retry_after = wait.to_int() if wait.is_valid_int() else 0
		return error
	if not readable:
		return ClientResponseError.new(p_url, status, {}, false, "The server's answer is no JSON.")
	return data


# Nobody is followed to another address: the token would go there too.
static func _elsewhere(p_exchange: BosBaseExchange) -> String:
	var place: String = p_exchange.headers.get("location", "")
	if p_exchange.status < 300 or p_exchange.status >= 400 or place.is_empty():
		return ""
	return "The server is elsewhere: %s." % BosBaseAddress.without_secrets(place)
