@tool
class_name BosBase
extends RefCounted
## A client of a BosBase (or PocketBase) server.
##
## [codeblock]
## var pb := BosBase.new("http://127.0.0.1:8090")
## var auth: Variant = await pb.collection("users").auth_with_password("me@example.com", "secret")
## if auth is ClientResponseError:
##     push_error(auth.to_string())
## [/codeblock]
## Every call that goes to the server is awaited and answers either what was asked for or a
## [ClientResponseError]; none answers [code]null[/code]. It needs no node and no scene: it works in
## [code]@tool[/code] scripts, headless and on other threads, where it blocks the thread instead.
## Each thread has to have a client of its own.

## Where the server is.
var base_url: String:
	get:
		return _transport.base_url
	set(p_value):
		_transport.base_url = p_value
## Sent as [code]Accept-Language[/code].
var lang: String:
	get:
		return _transport.lang
	set(p_value):
		_transport.lang = p_value
## Who is logged in.
var auth_store: BosBaseAuthStore:
	get:
		return _transport.auth_store
	set(p_value):
		_transport.auth_store = p_value
## Seconds without a byte in either direction after which a request is given up; 0 for never.
var timeout: float:
	get:
		return _transport.timeout
	set(p_value):
		_transport.timeout = p_value
## How to check an [code]https[/code] server; the system's authorities when [code]null[/code].
var tls_options: TLSOptions:
	get:
		return _transport.tls_options
	set(p_value):
		_transport.tls_options = p_value
## Called before each request: [code]func(url: String, options: Dictionary)[/code]. It may change
## the options' [code]headers[/code], [code]query[/code] and [code]body[/code], or answer
## [code]{url, options}[/code] to be used instead.
var before_send: Callable:
	get:
		return _transport.before_send
	set(p_value):
		_transport.before_send = p_value
## Called with each answer: [code]func(response: Dictionary, data: Variant, options: Dictionary) ->
## Variant[/code]; what it answers is the data. [code]response[/code] is [code]{url, status,
## headers}[/code].
var after_send: Callable:
	get:
		return _transport.after_send
	set(p_value):
		_transport.after_send = p_value

## Collections.
var collections: BosBaseCollectionService
## Files of records, and tokens for them.
var files: BosBaseFileService
## The server's logs.
var logs: BosBaseLogService
## Changes as they happen.
var realtime: BosBaseRealtimeService
## The application's settings.
var settings: BosBaseSettingsService
## Whether the server is there.
var health: BosBaseHealthService
## Backups of all data.
var backups: BosBaseBackupService
## What the server does at certain times.
var crons: BosBaseCronService

var _transport: BosBaseTransport
var _record_services: Dictionary = {}


func _init(
	p_base_url: String = "/", p_auth_store: BosBaseAuthStore = null, p_lang: String = "en-US"
) -> void:
	var store: BosBaseAuthStore = p_auth_store if p_auth_store != null else BosBaseAuthStore.new()
	_transport = BosBaseTransport.new(p_base_url, store, p_lang)
	collections = BosBaseCollectionService.new(_transport)
	files = BosBaseFileService.new(_transport)
	logs = BosBaseLogService.new(_transport)
	realtime = BosBaseRealtimeService.new(_transport)
	settings = BosBaseSettingsService.new(_transport)
	health = BosBaseHealthService.new(_transport)
	backups = BosBaseBackupService.new(_transport)
	crons = BosBaseCronService.new(_transport)


## The records of a collection.
func collection(p_id_or_name: String) -> BosBaseRecordService:
	if not _record_services.has(p_id_or_name):
		_record_services[p_id_or_name] = BosBaseRecordService.new(
			_transport, realtime, p_id_or_name
		)
	return _record_services[p_id_or_name]


## The superusers: [code]collection("_superusers")[/code].
func admins() -> BosBaseRecordService:
	return collection("_superusers")


## Several changes in one request.
func create_batch() -> BosBaseBatchService:
	return BosBaseBatchService.new(_transport)


## A filter in which each [code]{:name}[/code] is the value of that name, quoted so that it stays a
## value.
func filter(p_expression: String, p_params: Dictionary = {}) -> String:
	return BosBaseFilter.fill(p_expression, p_params)


## Whether a request cancels the pending one with the same method and path. Off unless it is
## switched on.
func auto_cancellation(p_enable: bool) -> BosBase:
	_transport.auto_cancellation = p_enable
	return self


## Cancels the pending request with this [code]request_key[/code]: it answers an error with
## [member ClientResponseError.is_abort].
func cancel_request(p_key: String) -> BosBase:
	_transport.cancel_request(p_key)
	return self


## Cancels all pending requests, also the one that realtime messages come by, which is then made
## again.
func cancel_all_requests() -> BosBase:
	_transport.cancel_all_requests()
	return self


## [param p_path] on the server.
func build_url(p_path: String) -> String:
	return _transport.build_url(p_path)


## Sends any request: [code]send("/api/hello", {"method": "POST", "body": {}})[/code]. The options
## are those of [BosBaseService].
func send(p_path: String, p_options: Dictionary = {}) -> Variant:
	return await _transport.send(p_path, p_options, self)
